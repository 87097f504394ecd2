"""The documents of a sample of pairs, picked out of a stream, and their similarities. W documents, P pairs, B bands."""

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from operators.dedup.calibration import Measured, fill_similarities
from operators.dedup.sample_pairs import Pairs, slots_of
from operators.dedup.sampled_sets import SAMPLED_SHINGLES
from operators.dedup.signature import BUCKET_VALUE, BUCKETS, values_of_column
from pipeline.document import POSITION

_LONG_LISTS = pa.large_list(pa.uint32())
"""The sets of a whole sample may have more values than 32-bit offsets reach."""


class SampledDocuments:
    """Collects sets and buckets of the documents of a sample."""

    def __init__(self, pairs: Pairs, num_bands: int) -> None:
        self._pairs = pairs
        self._wanted = pairs.positions()  # (W,)
        self._buckets = np.zeros((len(self._wanted), num_bands), np.uint64)
        self._set_of = np.full(len(self._wanted), -1, np.int64)
        self._sets: list[pa.Array] = []
        self._num_sets = 0

    def add(self, batch: pa.RecordBatch) -> None:
        """Takes what it wants of a batch."""
        rows, slots = slots_of(batch.column(POSITION).to_numpy(), self._wanted)
        if len(rows) == 0:
            return
        found = batch.take(pa.array(rows))
        buckets, _ = values_of_column(found.column(BUCKETS), BUCKET_VALUE)
        sets = found.column(SAMPLED_SHINGLES)
        there = sets.is_valid().to_numpy(zero_copy_only=False)
        self._buckets[slots] = buckets
        self._set_of[slots[there]] = self._num_sets + np.arange(np.count_nonzero(there))
        self._num_sets += int(np.count_nonzero(there))
        self._sets.append(sets.drop_null().cast(_LONG_LISTS))

    def measured(self) -> Measured:
        """The pairs of which both documents were there."""
        ones = np.searchsorted(self._wanted, self._pairs.documents)
        others = np.searchsorted(self._wanted, self._pairs.candidates)
        known = (self._set_of[ones] >= 0) & (self._set_of[others] >= 0)
        ones, others = ones[known], others[known]
        exact = self._similarities(self._set_of[ones], self._set_of[others])
        shared = np.count_nonzero(self._buckets[ones] == self._buckets[others], axis=1)
        return Measured(exact, self._pairs.similarities[known], shared)

    def _similarities(self, ones: npt.NDArray[np.int64], others: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        sets = pa.concat_arrays(self._sets) if self._sets else pa.array([], _LONG_LISTS)
        bounds = sets.offsets.to_numpy()
        similarities = np.empty(len(ones), np.float64)
        fill_similarities(sets.values.to_numpy(), bounds[:-1], bounds[1:], ones, others, similarities)
        return similarities
