"""A random number for each row, by which an exchange puts all rows into a random order."""

from typing import ClassVar, Final, Literal

import pyarrow as pa
from pydantic import Field

from operators.mix.draws import Purpose, draws_of, draws_of_places
from pipeline.document import DOC_ID, DOC_ID_TYPE, POSITION, POSITION_TYPE
from pipeline.operator import AnnotateFunction, Annotator, Determinism

SHUFFLE_KEY: Final = "shuffle_key"


class ShuffleKey(Annotator):
    """Adds the place of each row in a random order, as a number of 64 bits.

    Of documents a hash of `seed` and doc_id decides, so that a document's place does not depend on how the others are
    cut into shards. Packed rows have no id: of these a hash of `seed` and their place does.

    Columns:
        reads doc_id, or position for packed rows.
        adds shuffle_key (uint64, never null).

    Determinism:
        SEEDED.

    Source:
        None.

    Cost:
        Some nanoseconds a row.
    """

    name: ClassVar[str] = "shuffle_key"
    determinism = Determinism.SEEDED

    of: Literal["documents", "windows"] = "documents"
    seed: int = Field(default=1, ge=0, lt=1 << 32)

    def requires(self) -> pa.Schema:
        """What tells rows apart."""
        if self.of == "documents":
            return pa.schema([pa.field(DOC_ID, DOC_ID_TYPE, nullable=False)])
        return pa.schema([pa.field(POSITION, POSITION_TYPE, nullable=False)])

    def adds(self) -> pa.Schema:
        """The number."""
        return pa.schema([pa.field(SHUFFLE_KEY, pa.uint64(), nullable=False)])

    def open(self) -> AnnotateFunction:
        """Nothing to load."""
        schema = self.adds()

        def annotate(batch: pa.RecordBatch) -> pa.RecordBatch:
            if self.of == "documents":
                keys = draws_of(batch.column(DOC_ID), self.seed, Purpose.SHUFFLE)
            else:
                keys = draws_of_places(batch.column(POSITION).to_numpy(), self.seed, Purpose.SHUFFLE)
            return pa.RecordBatch.from_arrays([pa.array(keys)], schema=schema)

        return annotate
