"""Columns that a partition operator yields reach their rows, on every runner and with any memory."""

from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq

from pipeline.execution.work import Execution
from tests.builds import Built, MakeRunner, run_build, tree_digest
from tests.corpus import write_files
from tests.small import small, small_files


def column(built: Built, step: str, name: str) -> list[object]:
    """A column of an artifact, shard after shard."""
    manifest = built.manifest(step)
    paths = [manifest.path(shard.index, "data") for shard in manifest.shards]
    return [value for path in paths for value in pq.read_table(path)[name].to_pylist()]


def test_every_row_gets_its_own_value(tmp_path: Path, make_runner: MakeRunner) -> None:
    inputs = write_files(tmp_path / "in", small_files())
    built = run_build(small(), inputs, tmp_path / "out", make_runner(), Execution(exchange_memory_bytes=500))
    keys, ranks = column(built, "keys", "text_key"), column(built, "ranks", "rank")
    seen: Counter[object] = Counter()
    expected = []
    for key in keys:
        assert isinstance(key, bytes)
        expected.append(seen[key] if key[0] % 4 else None)
        seen[key] += 1
    assert ranks == expected
    assert {None, 0, 1} <= set(ranks)
    assert len(built.manifest("ranks").shards) == len(built.manifest("documents").shards) > 2
    assert built.manifest("ranks").total("rows_read") == sum(rank is not None for rank in ranks)

    local = run_build(small(), inputs, tmp_path / "local")
    assert tree_digest(built.output) == tree_digest(local.output)
