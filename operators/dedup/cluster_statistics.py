"""What the clusters and decisions of near-duplicate removal add up to, batch by batch. D documents of a batch."""

from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from operators.dedup.choose_survivors import BUCKET_SIZE, CLUSTER_ID, DISTANCE, SURVIVOR
from operators.dedup.components import CLUSTER, CLUSTER_SIZE
from operators.dedup.sorted_runs import begins_run, binary16_words
from pipeline.document import DOC_ID, POSITION

NUM_LARGEST: Final = 20
NUM_TENTHS: Final = 10

_SIZE_CLASSES: Final = 32
"""Powers of two of a 32-bit size."""

_DECIMALS: Final = 6
"""A share in float32 means the fraction next to it: 0.7, not the 0.69999999 that is stored."""

_COLUMNS: Final = (DOC_ID, POSITION, CLUSTER, CLUSTER_SIZE, CLUSTER_ID, SURVIVOR, DISTANCE, BUCKET_SIZE)

Json = dict[str, Any]  # Any: numbers, strings and lists of them


class _Buckets(NamedTuple):
    """The largest buckets of clusters, largest first, one a cluster."""

    sizes: npt.NDArray[np.uint32]
    clusters: npt.NDArray[np.uint64]
    positions: npt.NDArray[np.uint64]
    ids: npt.NDArray[np.uint64]  # (N, 2)

    def largest(self) -> "_Buckets":
        """One a cluster, of equal ones that of the first document; of all the largest, the first clusters of equal."""
        order = np.lexsort((self.positions, ~self.sizes, self.clusters))
        best = order[begins_run(self.clusters[order])]
        kept = best[np.lexsort((self.clusters[best], ~self.sizes[best]))][:NUM_LARGEST]
        return _Buckets(self.sizes[kept], self.clusters[kept], self.positions[kept], self.ids[kept])

    def joined(self, other: "_Buckets") -> "_Buckets":
        """Both."""
        return _Buckets(
            np.concatenate([self.sizes, other.sizes]),
            np.concatenate([self.clusters, other.clusters]),
            np.concatenate([self.positions, other.positions]),
            np.concatenate([self.ids, other.ids]),
        )


class ClusterStatistics:
    """Counts over documents in clusters. Memory does not depend on how many there are."""

    def __init__(self) -> None:
        self._num_documents = self._num_members = self._num_removed = self._num_not_first = 0
        self._clusters = np.zeros(_SIZE_CLASSES, np.int64)  # by the power of two below the size
        self._members = np.zeros(_SIZE_CLASSES, np.int64)
        self._distances = np.zeros(NUM_TENTHS, np.int64)
        self._largest_distance: float | None = None
        self._buckets = _Buckets(
            np.empty(0, np.uint32), np.empty(0, np.uint64), np.empty(0, np.uint64), np.empty((0, 2), np.uint64)
        )

    def add(self, batch: pa.RecordBatch) -> None:
        """Counts the documents of a batch."""
        self._num_documents += batch.num_rows
        batch = batch.select(list(_COLUMNS))  # the filter would copy all others
        members = batch.filter(pc.and_(batch.column(CLUSTER).is_valid(), batch.column(CLUSTER_SIZE).is_valid()))
        if members.num_rows == 0:
            return
        self._num_members += members.num_rows
        self._num_removed += members.num_rows - members.column(SURVIVOR).null_count
        self._add_sizes(members)
        self._add_distances(members)
        self._add_buckets(members)

    def _add_sizes(self, members: pa.RecordBatch) -> None:
        """A cluster is counted where its first position is."""
        sizes = members.column(CLUSTER_SIZE).to_numpy(zero_copy_only=False)
        classes = np.frexp(sizes.astype(np.float64))[1] - 1  # exact: floats of 64 bits hold sizes of 32
        begins = members.column(CLUSTER).to_numpy(zero_copy_only=False) == members.column(POSITION).to_numpy()
        self._clusters += np.bincount(classes[begins], minlength=_SIZE_CLASSES)
        self._members += np.bincount(classes, minlength=_SIZE_CLASSES)

    def _add_distances(self, members: pa.RecordBatch) -> None:
        same_id = pc.equal(members.column(CLUSTER_ID), members.column(DOC_ID))
        is_first = pc.fill_null(same_id, fill_value=False).to_numpy(zero_copy_only=False)
        self._num_not_first += int(np.count_nonzero(~is_first))
        distances = members.column(DISTANCE).to_numpy(zero_copy_only=False)[~is_first]
        distances = np.round(distances[~np.isnan(distances)].astype(np.float64), _DECIMALS)
        if len(distances):
            self._distances += np.bincount(tenths_of(distances), minlength=NUM_TENTHS)
            self._largest_distance = max(self._largest_distance or 0.0, float(distances.max()))

    def _add_buckets(self, members: pa.RecordBatch) -> None:
        least = self._buckets.sizes[-1] if len(self._buckets.sizes) == NUM_LARGEST else np.uint32(1)
        large = members.filter(pc.greater_equal(members.column(BUCKET_SIZE), pa.scalar(int(least), pa.uint32())))
        found = _Buckets(
            large.column(BUCKET_SIZE).to_numpy(zero_copy_only=False),
            large.column(CLUSTER).to_numpy(zero_copy_only=False),
            large.column(POSITION).to_numpy(),
            binary16_words(large.column(DOC_ID)),
        )
        self._buckets = self._buckets.joined(found).largest()

    def to_json(self) -> Json:
        """All numbers."""
        used = np.flatnonzero(self._members)
        return {
            "documents": self._num_documents,
            "in_clusters": self._num_members,
            "clusters": int(self._clusters.sum()),
            "removed": self._num_removed,
            "kept_by_verification": self._num_not_first - self._num_removed,
            "cluster_sizes": [
                {
                    "from": 1 << power,
                    "to": (2 << power) - 1,
                    "clusters": int(self._clusters[power]),
                    "documents": int(self._members[power]),
                }
                for power in used.tolist()
            ],
            "distances": [
                {"from": tenth / NUM_TENTHS, "to": (tenth + 1) / NUM_TENTHS, "documents": documents}
                for tenth, documents in enumerate(self._distances.tolist())
            ],
            "largest_distance": self._largest_distance,
            "largest_buckets": [
                {"documents": int(size), "doc_id": words.tobytes().hex()}
                for size, words in zip(self._buckets.sizes, self._buckets.ids, strict=True)
            ],
        }


def tenths_of(shares: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """The tenth that each share of 0..1 lies in; 1 lies in the last."""
    return np.minimum(np.floor(np.round(shares * NUM_TENTHS, _DECIMALS)).astype(np.int64), NUM_TENTHS - 1)
