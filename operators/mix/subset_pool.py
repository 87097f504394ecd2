"""What finding random subsets and listing them have in common: how many there are, and who is in which by chance."""

from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import Field

from operators.mix.draws import Purpose, Words, draws_of
from operators.select.quota_cut import HASH_SPARE_BITS
from pipeline.document import DOC_ID, DOC_ID_TYPE
from pipeline.errors import OperatorError
from pipeline.operator import Operator

SUBSETS_FILE: Final = "subsets.json"

Numbers = npt.NDArray[np.int64]


class SubsetPool(Operator):
    """Fields that finding subsets and listing them have in common; they must have the same values."""

    num_epochs: int = Field(ge=1, le=4096)
    """Subsets, one an epoch."""
    size: str = "num_tokens"
    """What budgets are counted in."""
    seed: int = Field(default=1, ge=0, lt=1 << 32)
    """Of the draws."""

    def settings(self) -> dict[str, Any]:  # Any: JSON
        """What must be the same where subsets are found and where they are listed."""
        return {name: value for name, value in self.model_dump(mode="json").items() if name in SubsetPool.model_fields}

    def pool_fields(self) -> list[pa.Field]:
        """Whose documents they are, and how large."""
        return [pa.field(DOC_ID, DOC_ID_TYPE, nullable=False), pa.field(self.size, pa.int64())]

    def epoch_draws(self, doc_ids: pa.Array, epoch: int) -> Words:
        """(D,) more for those who come first in that epoch."""
        return draws_of(doc_ids, self.seed, Purpose.SUBSET, epoch) >> np.uint64(HASH_SPARE_BITS)

    def sizes_of(self, batch: pa.RecordBatch) -> Numbers:
        """(D,) what each document counts."""
        sizes: Numbers = batch.column(self.size).fill_null(0).to_numpy(zero_copy_only=False)
        if sizes.size and sizes.min() < 0:
            raise OperatorError(
                f"{self.name}: expected {self.size!r} not to be negative; found {sizes.min()}; correct it where it is "
                "made"
            )
        return sizes
