"""What operators have in common that apply the file `quotas.json`: who of a cell is chosen, and how often."""

import json
from typing import ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from operators.select.quota_budgets import Cell
from operators.select.quota_cut import ABOVE_ALL, Words, is_chosen
from operators.select.quota_pool import PoolRows, QuotaPool
from pipeline.errors import PlanError
from pipeline.operator import Determinism, FileRef

Repetitions = npt.NDArray[np.int32]


class Quotas(NamedTuple):
    """What was found of C cells. A last entry, C, stands for rows without a cell: none of them is chosen."""

    codes: dict[Cell, int]
    repetitions: Repetitions  # (C + 1,)
    ranks: Words  # (C + 1,)
    draws: Words  # (C + 1,)


class AppliedQuotas(QuotaPool):
    """What operators have in common that apply the quotas of a pool."""

    determinism: ClassVar[Determinism] = Determinism.SEEDED

    quotas: FileRef
    """The file `quotas.json` of a step of `quota_cutoffs`."""

    def requires(self) -> pa.Schema:
        """Where documents stand in the pool."""
        return pa.schema(self.pool_fields())

    def read_quotas(self) -> Quotas:
        """The quotas that `quota_cutoffs` found with the settings of this operator.

        Raises:
            PlanError: the file is another one, or of other settings.
        """
        try:
            found = json.loads(self.quotas.open_path().read_text(encoding="utf-8"))
            settings, cells = dict(found["settings"]), list(found["cells"])
            quotas = Quotas(
                codes={tuple(map(str, one["names"])): code for code, one in enumerate(cells)},
                repetitions=np.array([*(one["repetitions"] for one in cells), 0], np.int32),
                ranks=np.array([*(one["least_rank"] for one in cells), ABOVE_ALL], np.uint64),
                draws=np.array([*(one["least_draw"] for one in cells), 0], np.uint64),
            )
        except (ValueError, KeyError, TypeError) as error:
            raise PlanError(
                f"{self.name}: quotas {self.quotas.uri!r}: expected a file that quota_cutoffs left; found another one; "
                "name a step:NAME/quotas.json"
            ) from error
        different = sorted(name for name, value in self.settings().items() if settings.get(name) != value)
        if different:
            raise PlanError(
                f"{self.name}: quotas {self.quotas.uri!r}: expected quotas for these settings; found others for "
                f"{different}; give both operators the same"
            )
        return quotas

    def repetitions_of(self, batch: pa.RecordBatch, quotas: Quotas) -> tuple[PoolRows, Repetitions]:
        """A batch as quotas see it, and (D,) how often each document is chosen."""
        pool = self.pool_rows(batch, quotas.codes)
        chosen = is_chosen(pool.ranks, pool.draws, quotas.ranks[pool.codes], quotas.draws[pool.codes])
        times = quotas.repetitions[pool.codes] + chosen.astype(np.int32)
        return pool, np.where(pool.in_range, times, np.int32(0))
