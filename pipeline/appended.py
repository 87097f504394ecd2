"""Tables that stand behind the rows of a view: their shards come after those of the base.

A position behind the base is (shards of the base + the table's shard, row). Columns come from the table, or from bound
artifacts that were made over the same rows; what only the tables have is null in the base.
"""

from collections.abc import Sequence
from dataclasses import replace

import pyarrow as pa

from pipeline.artifact import DATA, LEDGER, Manifest, ViewShard
from pipeline.errors import StorageError
from pipeline.io.shard_file import FileColumns


def with_tables(
    shards: Sequence[ViewShard], tables: Sequence[Manifest], bound: Sequence[Manifest], absent: Sequence[pa.Field]
) -> tuple[ViewShard, ...]:
    """The shards of a view, and behind them those of tables.

    Args:
        shards: of the base, or of the records of sources.
        tables: that stand behind them, in order.
        bound: artifacts that are bound to the view. Those over the same tables hold rows for them.
        absent: columns that the view offers and that only tables have.

    Raises:
        StorageError: something bound was made over other tables.
    """
    fingerprints = tuple(table.fingerprint for table in tables)
    covering = [artifact for artifact in bound if artifact.against_fingerprints]
    for artifact in covering:
        if artifact.against_fingerprints != fingerprints:
            raise StorageError(
                f"step {artifact.step}: expected to belong to tables {[name[:12] for name in fingerprints]} behind its "
                f"base; found {[name[:12] for name in artifact.against_fingerprints]}; run again"
            )
    behind = [(table, shard) for table in tables for shard in range(len(table.shards))]
    own = tuple(replace(shard, absent=tuple(absent)) for shard in shards)
    return own + tuple(
        _shard(len(own) + number, table, shard, covering, own[0]) for number, (table, shard) in enumerate(behind)
    )


def _shard(index: int, table: Manifest, shard: int, covering: Sequence[Manifest], like: ViewShard) -> ViewShard:
    """One shard of a table as shard `index` of the view; `like` says what is read."""
    wanted = set(like.columns)
    names = tuple(name for name in table.columns if name in wanted) or tuple(table.columns)[:1]
    held = [(table.path(shard, DATA), names)]
    held += [(artifact.path(index, DATA), tuple(n for n in artifact.columns if n in wanted)) for artifact in covering]
    return ViewShard(
        index=index,
        num_rows=table.shard_rows[shard],
        files=tuple(FileColumns(path, columns) for path, columns in held if path is not None and columns),
        removals=tuple(path for artifact in covering if (path := artifact.path(index, LEDGER)) is not None),
        columns=like.columns,
        with_position=like.with_position,
    )
