"""Checks of what was read that need more than one unit: contents that changed in place, and ids that repeat."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.artifact import IDENTITY, MANIFEST_NAME, ShardRecord, load_manifest
from pipeline.errors import CommitError, StorageError
from pipeline.io.scratch import local_copy
from pipeline.io.store import Place
from pipeline.ledger import IDENTITY_SCHEMA

SplitKey = tuple[str, str, str, int, int | None]
"""(source, relative path, digest before reading, start, end)."""

_MEMORY_LIMIT = "1GB"
_IDS = pa.schema([IDENTITY_SCHEMA.field("doc_id"), IDENTITY_SCHEMA.field("input_id")])


def known_contents(output: Place) -> dict[SplitKey, str]:
    """Content digests that finished steps of this output folder recorded while they read their inputs."""
    known = {}
    manifests: list[Place] = sorted((output / "steps").glob(f"*/{MANIFEST_NAME}"))
    for path in manifests:
        manifest = load_manifest(path.parent)
        for shard in () if manifest is None else manifest.shards:
            known.update({_key(entry): str(entry["content_digest"]) for entry in shard.inputs})
    return known


def check_contents(record: ShardRecord, known: Mapping[SplitKey, str]) -> None:
    """Compares what a unit read with what an earlier step read from the same files.

    Raises:
        StorageError: a file has the size and the sampled digest that it had, and yet another content.
    """
    for entry in record.inputs:
        before = known.get(_key(entry))
        if before is not None and before != entry["content_digest"]:
            raise StorageError(
                f"input {entry['path']!r} of source {entry['source']!r}: expected content {before} as an earlier step "
                f"read it; found {entry['content_digest']}; the file changed in place: "
                "restore it, or build into a new folder"
            )


def check_unique_ids(step: str, folder: Place, records: Sequence[ShardRecord], spill: Path) -> None:
    """Refuses input ids that repeat, for a source whose doc_ids are made of them.

    Args:
        step: its name.
        folder: the step's.
        records: of its shards.
        spill: where to put what does not fit into memory.

    Raises:
        CommitError: some do; the message names three.
    """
    files = [str(folder / record.files[IDENTITY].name) for record in records if IDENTITY in record.files]
    if not files:
        return
    import duckdb  # noqa: PLC0415 - slow to import, and few sources need it

    config = {"memory_limit": _MEMORY_LIMIT, "threads": 1, "temp_directory": str(spill)}
    with duckdb.connect(config=config) as connection:
        connection.register("ids", pa.RecordBatchReader.from_batches(_IDS, _ids(files)))
        repeated = connection.execute(
            "select any_value(input_id), count(*) from ids group by doc_id having count(*) > 1 order by 1 limit 3"
        ).fetchall()
    if repeated:
        names = ", ".join(f"{input_id!r} ({count} times)" for input_id, count in repeated)
        raise CommitError(
            f"step {step}: expected each id to appear once, as id_from: column demands; found {names}; "
            "make the ids unique, or use id_from: position"
        )


def _ids(paths: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """One file after the other: all of them together might not fit where copies of objects lie."""
    for path in paths:
        with pq.ParquetFile(local_copy(path), memory_map=True) as file:
            for batch in file.iter_batches(columns=_IDS.names, use_threads=False):
                yield batch.select(_IDS.names)


def _key(entry: Mapping[str, Any]) -> SplitKey:  # Any: JSON
    return (entry["source"], entry["path"], entry["digest"], entry["start"], entry["end"])
