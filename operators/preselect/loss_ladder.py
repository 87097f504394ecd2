"""Bits per byte of several models on the same documents: whether they stand in the order that is claimed."""

import json
import math
from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise
from typing import ClassVar, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from pipeline.document import SOURCE
from pipeline.errors import OperatorError
from pipeline.operator import RowReader, Task, TaskFunction, TaskInputs

LADDER_FILE: Final = "ladder.json"

NATS_UNIT: Final = 1e-6
"""Losses are added as whole multiples of it, so that the order of additions cannot matter."""
BITS_DECIMALS: Final = 6

Sums = npt.NDArray[np.int64]


class LossLadder(Task):
    """Bits per byte under each of several models, over the view and by source, as the file `ladder.json`.

    Documents that lack a loss of any model are left out, so all models are measured by the same text.

    The file has bits_per_byte (by column), sources (the same by source), num_documents and num_bytes.

    Columns:
        `losses`: read; float64, nats.
        `bytes_column`: read; int64, bytes that the losses are of.
        source: read.

    Determinism:
        Exact: sums are of integers.

    Raises:
        OperatorError: no document has all losses, or bits per byte do not fall from one model to the next.

    Source:
        Huang et al. 2024, Compression represents intelligence linearly, arXiv:2404.09937: models that compress held-out
        text better do better on benchmarks, in a nearly linear way.

    Cost:
        One pass over the columns; no text.
    """

    name: ClassVar[str] = "loss_ladder"
    produces = "model"

    losses: tuple[str, ...] = Field(min_length=1)
    """Columns of the models' losses, the least able model first."""
    bytes_column: str
    must_fall: bool = True
    """Whether it stops the build if the bits per byte over the view do not fall from each model to the next."""

    def requires(self) -> pa.Schema:
        """The losses, and what they are of."""
        return pa.schema(
            [
                *(pa.field(column, pa.float64()) for column in self.losses),
                pa.field(self.bytes_column, pa.int64()),
                pa.field(SOURCE, pa.string(), nullable=False),
            ]
        )

    def output_schema(self, given: pa.Schema) -> pa.Schema:  # noqa: ARG002 -- the contract's signature
        """A model has no rows."""
        return pa.schema(())

    def open(self) -> TaskFunction:
        """Returns the sums."""

        def run(inputs: TaskInputs) -> Iterator[tuple[int, pa.RecordBatch]]:
            assert inputs.rows is not None, "the planner gives this task a view"
            found = self._measured(inputs.rows)
            text = json.dumps(found, indent=2, sort_keys=True, allow_nan=False)
            (inputs.directory / LADDER_FILE).write_text(text + "\n", encoding="utf-8")
            return iter(())

        return run

    def _measured(self, rows: RowReader) -> dict[str, object]:
        """What the file says."""
        # By source: units of nats of each model, then bytes.
        by_source: dict[str, Sums] = defaultdict(lambda: np.zeros(len(self.losses) + 1, np.int64))
        num_documents = 0
        for _, batch in rows.batches((*self.losses, self.bytes_column, SOURCE)):
            losses = np.array([_values(batch, column) for column in self.losses]).T  # (D, models)
            known = np.isfinite(losses).all(axis=1) & batch.column(self.bytes_column).is_valid().to_numpy(False)
            units = np.rint(losses[known] / NATS_UNIT).astype(np.int64)
            lengths = pc.fill_null(batch.column(self.bytes_column), 0).to_numpy()[known]
            sources = np.array(batch.column(SOURCE).to_pylist(), object)[known]
            num_documents += len(lengths)
            for source in sorted(set(sources)):
                mine = sources == source
                by_source[source] += np.array([*units[mine].sum(axis=0), lengths[mine].sum()])
        total = sum(by_source.values(), np.zeros(len(self.losses) + 1, np.int64))
        if not total[-1]:
            raise OperatorError(f"{self.name}: expected documents with all of {list(self.losses)}; found none")
        bits = self._bits(total)
        if self.must_fall and any(better >= worse for worse, better in pairwise(bits.values())):
            raise OperatorError(
                f"{self.name}: expected bits per byte that fall from each model to the next; found {bits}; give the "
                "models in their order, or train them on more text"
            )
        return {
            "bits_per_byte": bits,
            "sources": {source: self._bits(sums) for source, sums in by_source.items() if sums[-1]},
            "num_documents": num_documents,
            "num_bytes": int(total[-1]),
        }

    def _bits(self, sums: Sums) -> dict[str, float]:
        """Bits per byte by column."""
        num_bytes = int(sums[-1])
        return {
            column: round(int(units) * NATS_UNIT / math.log(2) / num_bytes, BITS_DECIMALS)
            for column, units in zip(self.losses, sums, strict=False)
        }


def _values(batch: pa.RecordBatch, column: str) -> npt.NDArray[np.float64]:
    values: npt.NDArray[np.float64] = batch.column(column).fill_null(float("nan")).to_numpy(zero_copy_only=False)
    return values
