"""Lists the documents of each epoch's random subset, by where they lie."""

import json
from collections.abc import Iterator
from typing import ClassVar, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from operators.mix.draws import Purpose, Words, draws_of
from operators.mix.shuffle_key import SHUFFLE_KEY
from operators.mix.subset_pool import SubsetPool
from operators.select.quota_cut import is_chosen
from pipeline.document import DOC_ID, DOC_ID_TYPE, POSITION, POSITION_TYPE
from pipeline.errors import PlanError
from pipeline.operator import Determinism, FileRef, ShardFunction, ShardOperator

EPOCH: Final = "epoch"
SHARD: Final = "shard"
ROW: Final = "row"
_LOW_HALF: Final = np.uint64(0xFFFFFFFF)

Marks = npt.NDArray[np.bool_]


class SubsetRows(SubsetPool, ShardOperator):
    """One row for each document and each epoch that it is in: where it lies, and its place in the epoch's order.

    Columns:
        reads doc_id, position and `size`.
        writes epoch (int32, from 0), shard (int32) and row (int64) of the document in its base, doc_id, `size` (int64)
            and shuffle_key (uint64): epoch by epoch, and in each in a random order of its own.

    Determinism:
        SEEDED, as `subset_cuts`.

    Raises:
        PlanError: the file is not one that `subset_cuts` left for the same settings.

    Source:
        As `subset_cuts`.

    Cost:
        Some tens of nanoseconds a document and epoch. Nothing of a document is copied but its id.
    """

    name: ClassVar[str] = "subset_rows"
    determinism: ClassVar[Determinism] = Determinism.SEEDED

    subsets: FileRef
    """The file `subsets.json` of a step of `subset_cuts`."""

    def requires(self) -> pa.Schema:
        """Whose documents they are, how large, and where they lie."""
        return pa.schema([*self.pool_fields(), pa.field(POSITION, POSITION_TYPE, nullable=False)])

    def output_schema(self, given: pa.Schema) -> pa.Schema:  # noqa: ARG002 -- other columns stay where they are
        """A line of the list."""
        return pa.schema(
            [
                pa.field(EPOCH, pa.int32(), nullable=False),
                pa.field(SHARD, pa.int32(), nullable=False),
                pa.field(ROW, pa.int64(), nullable=False),
                pa.field(DOC_ID, DOC_ID_TYPE, nullable=False),
                pa.field(self.size, pa.int64(), nullable=False),
                pa.field(SHUFFLE_KEY, pa.uint64(), nullable=False),
            ]
        )

    def open(self) -> ShardFunction:
        """Reads where subsets end."""
        ranks, draws = self._read_cuts()

        def listed(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            for batch in batches:
                if batch.num_rows:
                    yield self._lines(batch, self._members(batch, ranks, draws))

        return listed

    def _members(self, batch: pa.RecordBatch, ranks: Words, draws: Words) -> Marks:
        """(D, epochs) who is in which."""
        members = np.empty((batch.num_rows, self.num_epochs), np.bool_)
        zeros = np.zeros(batch.num_rows, np.uint64)
        for epoch in range(self.num_epochs):
            own = self.epoch_draws(batch.column(DOC_ID), epoch)
            members[:, epoch] = is_chosen(zeros, own, ranks[epoch : epoch + 1], draws[epoch : epoch + 1])
        return members

    def _lines(self, batch: pa.RecordBatch, members: Marks) -> pa.RecordBatch:
        rows, epochs = np.nonzero(members)
        positions = batch.column(POSITION).to_numpy()[rows]
        columns = [
            pa.array(epochs.astype(np.int32)),
            pa.array((positions >> np.uint64(32)).astype(np.int32)),
            pa.array((positions & _LOW_HALF).astype(np.int64)),
            batch.column(DOC_ID).take(pa.array(rows)),
            pa.array(self.sizes_of(batch)[rows]),
            pa.array(self._keys(batch.column(DOC_ID), rows, epochs)),
        ]
        return pa.RecordBatch.from_arrays(columns, schema=self.output_schema(batch.schema))

    def _keys(self, doc_ids: pa.Array, rows: npt.NDArray[np.intp], epochs: npt.NDArray[np.intp]) -> Words:
        """Numbers that order epoch by epoch, and in each by chance, spread evenly over all of 64 bits."""
        keys = np.empty(len(rows), np.uint64)
        for epoch in range(self.num_epochs):
            mine = epochs == epoch
            drawn = draws_of(doc_ids, self.seed, Purpose.SUBSET_ORDER, epoch)[rows[mine]]
            keys[mine] = np.uint64(epoch * ((1 << 64) // self.num_epochs)) + drawn // np.uint64(self.num_epochs)
        return keys

    def _read_cuts(self) -> tuple[Words, Words]:
        """(epochs,) the least rank and draw of each."""
        try:
            found = json.loads(self.subsets.open_path().read_text(encoding="utf-8"))
            settings, epochs = dict(found["settings"]), list(found["epochs"])
            ranks = np.array([one["least_rank"] for one in epochs], np.uint64)
            draws = np.array([one["least_draw"] for one in epochs], np.uint64)
        except (ValueError, KeyError, TypeError) as error:
            raise PlanError(
                f"{self.name}: subsets {self.subsets.uri!r}: expected a file that subset_cuts left; found another one; "
                "name a step:NAME/subsets.json"
            ) from error
        different = sorted(name for name, value in self.settings().items() if settings.get(name) != value)
        if different:
            raise PlanError(
                f"{self.name}: subsets {self.subsets.uri!r}: expected subsets with these settings; found others for "
                f"{different}; give both operators the same"
            )
        return ranks, draws
