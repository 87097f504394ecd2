"""How well a document's losses under several models agree with what the models can do."""

from itertools import combinations
from typing import ClassVar, Final, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field, model_validator

from pipeline.operator import AnnotateFunction, Annotator

STRENGTH: Final = "predictive_strength"
STRENGTH_TYPE: Final = pa.float32()


class PredictiveStrength(Annotator):
    """The share of pairs of models of which the better one has the lower loss on a document.

    1 says that the document's losses order the models as their abilities do, 0 that no pair stands so. A pair of equal
    losses earns nothing, nor does one of models with equal abilities. Nats, bits per character and bits per byte give
    the same, since the models see the same text.

    Columns:
        `losses`: read; float64.
        predictive_strength: written; float32, a multiple of 1 / pairs. Null where a loss is null or not finite.

    Determinism:
        Exact.

    Raises:
        ValidationError: columns repeat, or abilities do not ascend with the columns.

    Source:
        Shum et al. 2025, Predictive Data Selection, arXiv:2503.00808, equation 1: six models of the Llama family, so 15
        pairs, ordered by the average of 12 benchmarks (appendix A.1).

    Cost:
        A comparison a document and pair; no text.
    """

    name: ClassVar[str] = "predictive_strength"

    losses: tuple[str, ...] = Field(min_length=2)
    """Columns of the models' losses, the least able model first."""
    abilities: tuple[float, ...] | None = None
    """What the models reach on benchmarks, in the same order; given to tell models that are equally able."""

    @model_validator(mode="after")
    def _losses_by_ability(self) -> Self:
        if len(set(self.losses)) != len(self.losses):
            raise ValueError(f"losses: expected distinct columns; found {list(self.losses)}")
        if self.abilities is not None and (
            len(self.abilities) != len(self.losses) or list(self.abilities) != sorted(self.abilities)
        ):
            raise ValueError(
                f"abilities: expected {len(self.losses)} numbers, the lowest first as `losses`; found "
                f"{list(self.abilities)}"
            )
        return self

    def requires(self) -> pa.Schema:
        """The losses."""
        return pa.schema([pa.field(column, pa.float64()) for column in self.losses])

    def adds(self) -> pa.Schema:
        """The strength."""
        return pa.schema([pa.field(STRENGTH, STRENGTH_TYPE)])

    def open(self) -> AnnotateFunction:
        """Nothing to load."""
        pairs = list(combinations(range(len(self.losses)), 2))
        abilities = range(len(self.losses)) if self.abilities is None else self.abilities
        counting = [(worse, better) for worse, better in pairs if abilities[worse] < abilities[better]]

        def annotate(batch: pa.RecordBatch) -> pa.RecordBatch:
            losses = [
                pc.fill_null(batch.column(column), float("nan")).to_numpy(zero_copy_only=False)
                for column in self.losses
            ]
            num_concordant = np.zeros(batch.num_rows, np.int64)
            for worse, better in counting:
                num_concordant += losses[worse] > losses[better]
            is_known = np.logical_and.reduce([np.isfinite(loss) for loss in losses])
            strengths = (num_concordant / len(pairs)).astype(np.float32)
            return pa.record_batch([pa.array(strengths, mask=~is_known)], schema=self.adds())

        return annotate
