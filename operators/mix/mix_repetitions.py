"""How often each document of a mix is to be there, as a column."""

import json
from typing import ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from operators.mix.drop_unchosen import REPETITIONS, REPETITIONS_TYPE
from operators.mix.mix_budgets import NO_DRAW
from operators.mix.mix_pool import MixPool, Numbers
from operators.select.quota_cut import Words
from operators.select.quota_pool import NO_CELL
from pipeline.errors import PlanError
from pipeline.operator import AnnotateFunction, Annotator, Determinism, FileRef


class Ends(NamedTuple):
    """What was found of P parts. A last entry, P, stands for rows without a part."""

    codes: dict[str, int]
    whole: Numbers  # (P + 1,)
    draws: Words  # (P + 1,)
    copies: Numbers  # (P + 1,)


class MixRepetitions(MixPool, Annotator):
    """The number of times that a document is to be there, for its part to have what it is to have.

    Columns:
        reads doc_id, `by` and `copies`.
        adds `column` (int32): 0 where the document is left out, null where it belongs to no part.

    Determinism:
        SEEDED, as `mix_budgets`.

    Raises:
        PlanError: the file is not one that `mix_budgets` left for the same settings.

    Source:
        As `mix_budgets`.

    Cost:
        Some tens of nanoseconds a document; no text.
    """

    name: ClassVar[str] = "mix_repetitions"
    determinism = Determinism.SEEDED

    mix: FileRef
    """The file `mix.json` of a step of `mix_budgets`."""
    column: str = REPETITIONS

    def requires(self) -> pa.Schema:
        """Where documents stand in the pool."""
        return pa.schema(self.pool_fields())

    def adds(self) -> pa.Schema:
        """The number."""
        return pa.schema([pa.field(self.column, REPETITIONS_TYPE)])

    def open(self) -> AnnotateFunction:
        """Reads the mix."""
        ends = self._read_ends()
        schema = self.adds()

        def annotate(batch: pa.RecordBatch) -> pa.RecordBatch:
            times, has_part = self._times(batch, ends)
            return pa.RecordBatch.from_arrays([pa.array(times, REPETITIONS_TYPE, mask=~has_part)], schema=schema)

        return annotate

    def _times(self, batch: pa.RecordBatch, ends: Ends) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.bool_]]:
        pool = self.mix_rows(batch, ends.codes)
        last = np.minimum(pool.copies, ends.copies[pool.codes])
        drawn = np.where(pool.draws == ends.draws[pool.codes], last, pool.copies)
        times = ends.whole[pool.codes] * pool.copies + np.where(pool.draws >= ends.draws[pool.codes], drawn, 0)
        return times.astype(np.int32), pool.codes != NO_CELL

    def _read_ends(self) -> Ends:
        try:
            found = json.loads(self.mix.open_path().read_text(encoding="utf-8"))
            settings, parts = dict(found["settings"]), list(found["parts"])
            ends = Ends(
                codes={str(one["name"]): code for code, one in enumerate(parts)},
                whole=np.array([*(one["whole_epochs"] for one in parts), 0], np.int64),
                draws=np.array([*(one["least_draw"] for one in parts), NO_DRAW], np.uint64),
                copies=np.array([*(one["last_copies"] for one in parts), 0], np.int64),
            )
        except (ValueError, KeyError, TypeError) as error:
            raise PlanError(
                f"{self.name}: mix {self.mix.uri!r}: expected a file that mix_budgets left; found another one; name a "
                "step:NAME/mix.json"
            ) from error
        different = sorted(name for name, value in self.settings().items() if settings.get(name) != value)
        if different:
            raise PlanError(
                f"{self.name}: mix {self.mix.uri!r}: expected a mix with these settings; found others for {different}; "
                "give both operators the same"
            )
        return ends
