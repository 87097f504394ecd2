"""Rows of an index: what a later build needs to know of a document that this one has deduplicated."""

from typing import Annotated, ClassVar, Final

import pyarrow as pa
from pydantic import Field

from operators.dedup.choose_survivors import CLUSTER_ID, SURVIVOR
from operators.dedup.components import CLUSTER_SIZE
from operators.dedup.index_settings import with_tokenizer
from pipeline.document import DOC_ID_TYPE
from pipeline.operator import AnnotateFunction, Annotator, FileRef

GENERATION: Final = "generation"
GENERATION_TYPE: Final = pa.uint32()
SETTINGS: Final = "signature_settings"
KNOWN_SURVIVOR: Final = "known_survivor"
KNOWN_CLUSTER_ID: Final = "known_cluster_id"
KNOWN_CLUSTER_SIZE: Final = "known_cluster_size"

Generation = Annotated[int, Field(ge=0, lt=1 << 32)]

_KNOWN: Final = {KNOWN_SURVIVOR: SURVIVOR, KNOWN_CLUSTER_ID: CLUSTER_ID, KNOWN_CLUSTER_SIZE: CLUSTER_SIZE}
_SCHEMA: Final = pa.schema(
    [
        pa.field(GENERATION, GENERATION_TYPE, nullable=False),
        pa.field(SETTINGS, pa.string(), nullable=False),
        pa.field(KNOWN_SURVIVOR, DOC_ID_TYPE),
        pa.field(KNOWN_CLUSTER_ID, DOC_ID_TYPE),
        pa.field(KNOWN_CLUSTER_SIZE, pa.uint32()),
    ]
)

INDEX_COLUMNS: Final = tuple(_SCHEMA.names)
"""What an index has beside documents, what they are compared by and the columns of their order."""


class IndexEntry(Annotator):
    """Adds what makes a document's decisions a row of an index, against which later builds deduplicate.

    Columns:
        survivor, cluster_id, cluster_size: read; what this build decided.
        generation: written; uint32, the same for all: documents of smaller generations come first in survivor order.
        signature_settings: written; how signatures were made, which `index_check` compares with a later build's.
        known_survivor, known_cluster_id, known_cluster_size: written; what was read, under names of their own, beside
            which a later build has its decisions.

    Determinism:
        Exact.

    Source:
        None: the format is ours.

    Cost:
        A few nanoseconds a document. Written together with buckets and signature, a row has 392 bytes before
        compression for 14 bands of 8.
    """

    name: ClassVar[str] = "index_entry"

    settings: str = Field(min_length=1)
    """Of the signatures, as `operators.dedup.index_settings.spelled_settings` spells them."""
    tokenizer: FileRef | None = None
    """Of the signatures, if they are made of tokens: its content is a part of their settings."""
    generation: Generation = 0

    def requires(self) -> pa.Schema:
        """What was decided."""
        return pa.schema([pa.field(name, _SCHEMA.field(known).type) for known, name in _KNOWN.items()])

    def adds(self) -> pa.Schema:
        """The generation, the settings and what is known."""
        return _SCHEMA

    def open(self) -> AnnotateFunction:
        """Spells the settings."""
        settings = with_tokenizer(self.settings, self.tokenizer)

        def annotate(batch: pa.RecordBatch) -> pa.RecordBatch:
            columns = [
                pa.repeat(pa.scalar(self.generation, GENERATION_TYPE), batch.num_rows),
                pa.repeat(settings, batch.num_rows),
                *(batch.column(name) for name in _KNOWN.values()),
            ]
            return pa.record_batch(columns, schema=_SCHEMA)

        return annotate
