"""What a build has changed about the documents of an index that it was deduplicated against."""

from collections.abc import Iterator
from typing import ClassVar, Final

import pyarrow as pa
import pyarrow.compute as pc

from operators.dedup.choose_survivors import CLUSTER_ID, SURVIVOR
from operators.dedup.components import CLUSTER_SIZE
from operators.dedup.index_entry import (
    GENERATION,
    GENERATION_TYPE,
    KNOWN_CLUSTER_ID,
    KNOWN_CLUSTER_SIZE,
    KNOWN_SURVIVOR,
)
from pipeline.document import DOC_ID, DOC_ID_TYPE
from pipeline.operator import ShardFunction, ShardOperator

RETRO_REMOVED: Final = "retro_removed"
_SCHEMA: Final = pa.schema(
    [
        pa.field(DOC_ID, DOC_ID_TYPE, nullable=False),
        pa.field(KNOWN_CLUSTER_ID, DOC_ID_TYPE),
        pa.field(CLUSTER_ID, DOC_ID_TYPE),
        pa.field(KNOWN_CLUSTER_SIZE, pa.uint32()),
        pa.field(CLUSTER_SIZE, pa.uint32()),
        pa.field(RETRO_REMOVED, pa.bool_(), nullable=False),
    ]
)


class IndexChanges(ShardOperator):
    """Yields the documents of an index whose cluster is another one now, or larger.

    Columns:
        doc_id, generation, survivor, cluster_id, cluster_size, known_survivor, known_cluster_id, known_cluster_size:
            read; a null generation is a document of this build, which has nothing that could change.
        doc_id, known_cluster_id, cluster_id, known_cluster_size, cluster_size: written; of each changed document what
            its index knows, and what is so now.
        retro_removed: written; whether the document was kept and would go now. Never, as long as removals are verified;
            without verification new documents may join two clusters, of which then one document stays.

    Determinism:
        Exact.

    Source:
        None.

    Cost:
        Some tens of nanoseconds a document of the index.
    """

    name: ClassVar[str] = "index_changes"

    def requires(self) -> pa.Schema:
        """What is known and what was decided."""
        written = [_SCHEMA.field(name) for name in _SCHEMA.names if name != RETRO_REMOVED]
        more = [
            pa.field(GENERATION, GENERATION_TYPE),
            pa.field(SURVIVOR, DOC_ID_TYPE),
            pa.field(KNOWN_SURVIVOR, DOC_ID_TYPE),
        ]
        return pa.schema([*written, *more])

    def output_schema(self, given: pa.Schema) -> pa.Schema:  # noqa: ARG002 -- other columns stay behind
        """Changes."""
        return _SCHEMA

    def open(self) -> ShardFunction:
        """Nothing to load."""
        return _changes


def _changes(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        old = batch.filter(pc.is_valid(batch.column(GENERATION)))
        gone = pc.and_(pc.is_valid(old.column(SURVIVOR)), pc.is_null(old.column(KNOWN_SURVIVOR)))
        changed = pc.or_(
            pc.or_(
                _differs(old.column(KNOWN_CLUSTER_ID), old.column(CLUSTER_ID)),
                _differs(old.column(KNOWN_CLUSTER_SIZE), old.column(CLUSTER_SIZE)),
            ),
            gone,
        )
        columns = [gone if name == RETRO_REMOVED else old.column(name) for name in _SCHEMA.names]
        yield pa.record_batch(columns, schema=_SCHEMA).filter(changed)


def _differs(before: pa.Array, now: pa.Array) -> pa.Array:
    """Whether two values are not the same, where null is a value too."""
    unequal = pc.fill_null(pc.not_equal(before, now), False)
    return pc.or_(unequal, pc.xor(pc.is_null(before), pc.is_null(now)))
