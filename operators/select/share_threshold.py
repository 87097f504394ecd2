"""Finds the score above which a fixed share of a pool lies, exactly and over the whole pool."""

import json
from collections.abc import Iterator
from fractions import Fraction
from typing import ClassVar, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import Field

from pipeline.errors import OperatorError
from pipeline.kernel import kernel
from pipeline.operator import RowReader, Task, TaskFunction, TaskInputs

THRESHOLD_FILE: Final = "threshold.json"

HALF_BITS: Final = 16
HALF_SIZE: Final = 1 << HALF_BITS

Keys = npt.NDArray[np.uint32]
Weights = npt.NDArray[np.int64]


class ShareThreshold(Task):
    """The threshold that keeps the best `share` of a pool, as the file `threshold.json`.

    Rows are walked from the highest score down until their weights add up to more than `share` of the total; the score
    reached is the threshold, and a filter keeps what is not below it. So at least the share is kept, and all rows that
    tie at the threshold are. Rows whose score is null or not finite are ignored.

    The file has column, threshold (a float32 written as a number), share, kept_share (weight not below the threshold,
    of the total), num_documents (rows with a score) and total_weight (of these rows).

    Columns:
        reads `column` (float32) and `weight` (int64, not negative, null counts as 0), if there is one.

    Determinism:
        EXACT. Weights are integers and `share` is taken as the decimal number that was written, so nothing is rounded;
        the order of rows does not matter.

    Raises:
        OperatorError: no row has a score, or a weight is negative.

    Source:
        Shum et al., "Predictive Data Selection: The Data That Predicts Is the Data That Teaches" (2025),
        arXiv:2503.00808: 10 % of the pool's characters in section 3.1. Its script, find_threshold.py, looks at three
        shards; this looks at all.

    Cost:
        Two passes over two columns. Memory is two histograms of 65,536 sums, whatever the number of rows: the first
        pass finds the upper half of the threshold's 32 bits, the second the lower half.
    """

    name: ClassVar[str] = "share_threshold"
    produces = "model"

    column: str
    weight: str | None = "num_chars"
    """What the share is a share of: characters by default, as published; documents where it is null."""
    share: float = Field(gt=0, le=1)

    def requires(self) -> pa.Schema:
        """The score and the weight."""
        score = pa.field(self.column, pa.float32())
        return pa.schema([score] if self.weight is None else [score, pa.field(self.weight, pa.int64())])

    def output_schema(self, given: pa.Schema) -> pa.Schema:  # noqa: ARG002 -- the contract's signature
        """A model has no rows."""
        return pa.schema(())

    def open(self) -> TaskFunction:
        """Returns the search."""

        def run(inputs: TaskInputs) -> Iterator[tuple[int, pa.RecordBatch]]:
            assert inputs.rows is not None, "the planner gives this task a view"
            found = self._find(inputs.rows)
            text = json.dumps(found, indent=2, allow_nan=False)
            (inputs.directory / THRESHOLD_FILE).write_text(text + "\n", encoding="utf-8")
            return iter(())

        return run

    def _find(self, rows: RowReader) -> dict[str, str | int | float]:
        """What the threshold file says."""
        num_documents = 0
        upper = np.zeros(HALF_SIZE, np.int64)  # (65536,) weight by the key's upper half
        seen = np.zeros(HALF_SIZE, np.bool_)  # (65536,) a row has it; its weight may be 0
        for keys, weights in self._scored(rows):
            num_documents += len(keys)
            add_upper(keys, weights, upper, seen)
        if num_documents == 0:
            raise OperatorError(
                f"{self.name}: expected rows with a finite {self.column!r} to find a threshold among; found none"
            )
        total = int(upper.sum())
        limit = int(Fraction(repr(self.share)) * total)  # integer sums exceed a number where they exceed its floor
        high, above = _walk_down(upper, seen, 0, limit)

        lower = np.zeros(HALF_SIZE, np.int64)  # (65536,) weight by the key's lower half, where the upper is `high`
        seen = np.zeros(HALF_SIZE, np.bool_)
        for keys, weights in self._scored(rows):
            add_lower(keys, weights, high, lower, seen)
        low, above = _walk_down(lower, seen, above, limit)
        kept = above + int(lower[low])
        return {
            "column": self.column,
            "threshold": float(score_of(np.uint32(high << HALF_BITS | low))),
            "share": self.share,
            "kept_share": kept / total if total else 1.0,
            "num_documents": num_documents,
            "total_weight": total,
        }

    def _scored(self, rows: RowReader) -> Iterator[tuple[Keys, Weights]]:
        """Sortable keys and weights of the rows that have a score."""
        for shard, batch in rows.batches(tuple(self.requires().names)):
            scores = batch.column(self.column).fill_null(float("nan")).to_numpy(zero_copy_only=False)
            finite = np.isfinite(scores)
            if self.weight is None:
                yield keys_of(scores[finite]), np.ones(np.count_nonzero(finite), np.int64)
                continue
            weights = batch.column(self.weight).fill_null(0).to_numpy(zero_copy_only=False)[finite]
            if weights.size and weights.min() < 0:
                raise OperatorError(
                    f"{self.name}: shard {shard}: expected {self.weight!r} not to be negative; found {weights.min()}"
                )
            yield keys_of(scores[finite]), weights


def keys_of(scores: npt.NDArray[np.float32]) -> Keys:
    """Unsigned numbers that sort as the scores do; -0.0 and 0.0 share one."""
    bits = (scores + np.float32(0)).view(np.uint32)
    # Positive floats sort as their bits, negative ones the other way round: flip the sign of the first, all of these.
    return np.where(bits >> np.uint32(31), ~bits, bits | np.uint32(1 << 31))


def score_of(key: np.uint32) -> np.float32:
    """The score of a key."""
    positive = key >> np.uint32(31)
    return np.float32((key ^ np.uint32(1 << 31) if positive else ~key).view(np.float32))


def _walk_down(weights: Weights, seen: npt.NDArray[np.bool_], above: int, limit: int) -> tuple[int, int]:
    """The highest place at which weights from the top, begun with `above`, exceed `limit`, and the weight before it.

    Where they never do, the lowest place that a row has: the whole pool is within the share.
    """
    downwards = above + np.cumsum(weights[::-1])
    exceeding = np.flatnonzero(downwards > limit)
    place = len(weights) - 1 - int(exceeding[0]) if len(exceeding) else int(np.flatnonzero(seen)[0])
    return place, above + int(weights[place + 1 :].sum())


@kernel
def add_upper(keys: Keys, weights: Weights, sums: Weights, seen: npt.NDArray[np.bool_]) -> None:
    """Adds each weight to the sum of its key's upper half."""
    for i in range(keys.shape[0]):
        half = np.uintp(keys[i] >> np.uint32(HALF_BITS))
        sums[half] += weights[i]
        seen[half] = True


@kernel
def add_lower(keys: Keys, weights: Weights, high: int, sums: Weights, seen: npt.NDArray[np.bool_]) -> None:
    """Adds each weight whose key's upper half is `high` to the sum of its lower half."""
    for i in range(keys.shape[0]):
        if np.int64(keys[i] >> np.uint32(HALF_BITS)) == high:
            half = np.uintp(keys[i] & np.uint32(HALF_SIZE - 1))
            sums[half] += weights[i]
            seen[half] = True
