"""What a worker does: open a stage's operators once, then carry units through them.

The same code runs in process and inside a Ray actor. A worker writes files and returns their records; it commits
nothing and holds no truth.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.artifact import IDENTITY, LEDGER, ROWS_TRUE, VALUES, FileRecord, ShardRecord, ViewShard
from pipeline.errors import PipelineError, StorageError
from pipeline.execution.bound_records import BoundRecords
from pipeline.execution.exchange import PartitionInput, read_partition
from pipeline.execution.format_run import amount, write_files
from pipeline.execution.home import bring_home
from pipeline.execution.judged_rows import JudgedRows
from pipeline.execution.operator_failure import blaming
from pipeline.execution.poison.progress import Progress
from pipeline.execution.poison.rows import Isolation
from pipeline.execution.process_memory import out_of_memory
from pipeline.execution.quarantine import SourceRecords
from pipeline.execution.row_pass import OpenOperator, RowPass, open_chain, opened
from pipeline.execution.sinks import open_sink, write_table
from pipeline.execution.task_run import run_task
from pipeline.execution.windows import Piece
from pipeline.execution.work import Passage, Result, SourceShard, StageSpec, Unit
from pipeline.format_writer import FormatWriter, WriteFunction
from pipeline.io.reading import SplitReader
from pipeline.io.system_errors import storage_error
from pipeline.ledger import Action, LedgerBuilder
from pipeline.operator import (
    Annotator,
    Filter,
    Operator,
    PartitionFunction,
    PartitionOperator,
    RowOperator,
    ShardFunction,
    ShardOperator,
    Task,
    Transform,
)
from pipeline.plan.logical import ArtifactKind

Rows = npt.NDArray[np.uint32]
Flow = Iterator[tuple[pa.RecordBatch, Rows | None]]


@dataclass(frozen=True, slots=True)
class OpenStage:
    """A stage with its operators opened."""

    spec: StageSpec
    row_operators: tuple[OpenOperator, ...]
    partition: tuple[PartitionOperator, PartitionFunction] | None
    shard: tuple[ShardOperator, ShardFunction] | None
    task: Task | None
    writer: tuple[FormatWriter, WriteFunction] | None = None

    @property
    def made_with(self) -> dict[str, str]:
        """What operators say that they do their work with, by label."""
        opened = [(one.label, one.operator) for one in self.row_operators]
        named = zip(self.spec.stage.labels, self.spec.stage.operators, strict=True)
        others = [(label, operator) for label, operator in named if not isinstance(operator, RowOperator)]
        said = ((label, operator.made_with()) for label, operator in (*opened, *others))
        return {label: engine for label, engine in said if engine is not None}


def open_stage(spec: StageSpec, progress: Progress) -> OpenStage:
    """Opens every operator of the stage; tasks open when they run, since they run once."""
    rows: list[RowOperator] = []
    labels: list[str] = []
    partition = shard = task = writer = None
    for operator, label in zip(spec.stage.operators, spec.stage.labels, strict=True):
        if isinstance(operator, PartitionOperator):
            with progress.opening(label):
                partition = (operator, opened(operator.name, operator.open))
        elif isinstance(operator, ShardOperator):
            with progress.opening(label):
                shard = (operator, opened(operator.name, operator.open))
        elif isinstance(operator, Task):
            task = operator
        elif isinstance(operator, FormatWriter):
            with progress.opening(label):
                writer = (operator, opened(operator.name, operator.open))
        else:
            assert isinstance(operator, Annotator | Filter | Transform)
            rows.append(operator)
            labels.append(label)
    chain = open_chain(
        rows,
        labels,
        with_values=spec.is_attributed,
        given=spec.given,
        feeds=spec.feeds,
        feeds_at=spec.feeds_at,
        progress=progress,
    )
    return OpenStage(spec, chain, partition, shard, task, writer)


class StageWorker:
    """An open stage: hand it units.

    Args:
        spec: of the stage.
        progress: is told where the worker is.
    """

    def __init__(self, spec: StageSpec, progress: Progress | None = None) -> None:
        self._progress = progress or Progress()
        try:
            self._stage = open_stage(spec, self._progress)
        except PipelineError:
            raise
        except MemoryError as error:
            raise out_of_memory(f"{spec.label}, to be opened", error, spec.execution.memory_bytes) from error

    def run(self, unit: Unit, given: Passage | None = None, isolation: Isolation | None = None) -> Passage | Result:
        """Carries one unit through the stage. Bad rows never raise; what raises may be tried again.

        Args:
            unit: what to do.
            given: what the stage before handed over.
            isolation: in what company operators are shown rows; default: all but the unit's poison, in batches.
        """
        spec = self._stage.spec
        try:
            with self._progress.unit(unit.index):
                outcome = self._carried(unit, given, isolation or Isolation(unit.poison))
            made_with = ({} if given is None else given.made_with) | self._stage.made_with
        except PipelineError as error:
            error.add_note(f"{spec.label}, unit {unit.index}")
            raise
        except OSError as error:
            raise storage_error(f"{spec.label}, unit {unit.index}", error) from error
        except MemoryError as error:
            raise out_of_memory(f"{spec.label}, unit {unit.index}", error, spec.execution.memory_bytes) from error
        if isinstance(outcome, Passage):
            outcome.made_with = made_with
            return outcome
        return tuple(
            replace(record, made_with=dict(sorted(made_with.items())), fallbacks=spec.fallbacks) for record in outcome
        )

    def _carried(self, unit: Unit, given: Passage | None, isolation: Isolation) -> Passage | Result:
        with self._stage.spec.folder.attempt() as folder:
            stage = replace(self._stage, spec=replace(self._stage.spec, folder=folder))
            if stage.task is not None:
                with self._progress.shard(stage.spec.label_of(stage.task)):
                    return run_task(stage.spec, unit, stage.task)
            if stage.spec.brings_home:
                return bring_home(stage.spec, unit)
            return _UnitRun(stage, unit, given, self._progress, isolation).run()


class _UnitRun:
    """One unit on its way through one stage."""

    def __init__(
        self, stage: OpenStage, unit: Unit, given: Passage | None, progress: Progress, isolation: Isolation
    ) -> None:
        self._stage = stage
        self._progress = progress
        self._spec = stage.spec
        self._unit = unit
        self._given = given
        self._ledger = LedgerBuilder() if given is None else given.ledger
        self._records = self._opened_records()
        examples = () if given is None else given.examples
        self._judged = self._judged_so_far()
        self._row_pass = RowPass(
            stage.row_operators,
            self._ledger,
            stage.spec.layout.examples_per_rule,
            examples,
            self._judged,
            progress=progress,
            isolation=isolation,
        )
        self._rows_read = 0 if given is None else given.rows_read
        self._rows_kept = 0
        self._conserved: dict[str, int] = {}

    def run(self) -> Passage | Result:
        if not self._spec.is_last:
            return self._hand_over()
        if self._stage.writer is None:
            files, written = self._write_rows()
        else:
            flow = self._fetched(batch for batch, _ in self._row_flow())
            with self._progress.shard(self._spec.label_of(self._stage.writer[0])):
                files, written = write_files(self._spec, self._unit.index, *self._stage.writer, flow)
        counts = self._counts() | self._conserved | written
        if self._stage.shard is not None or self._stage.partition is not None:
            counts["rows_reshaped"] = counts["rows_written"] - self._rows_kept
        if self._judged is not None:
            counts["rows_judged"] = self._judged.num_rows
        if self._spec.kind is ArtifactKind.COLUMNS:
            counts["rows_base"] = self._base_rows()
        if self._spec.partitioning is None:
            files |= self._write_accounts()
        elif self._ledger.parts:
            raise StorageError(
                f"{self._spec.label}: expected records that can be read in the columns that travel; found "
                f"{counts['rows_quarantined']} that cannot; bind a step of row operators that requires these columns, "
                "so that it quarantines them"
            )
        record = ShardRecord(
            index=self._unit.index,
            fingerprint=self._unit.fingerprints[0],
            files=files,
            counts=counts,
            rules=dict(sorted(self._ledger.rules.items())),
            inputs=self._inputs(),
            examples=self._row_pass.examples(),
        )
        return (record,)

    def _write_rows(self) -> tuple[dict[str, FileRecord], dict[str, int]]:
        """The files of a sink, by role, and what was counted on the way."""
        sink = open_sink(self._spec, self._unit.index)
        num_true = 0
        for batch, rows in self._through_shard_operator(self._through_partition(self._row_flow())):
            if self._spec.counts_true:
                num_true += int(pc.sum(batch[self._spec.counts_true]).as_py() or 0)
            sink.write(batch, rows)
        files = sink.close(self._base_rows())
        counts = {"rows_written": sink.num_rows}
        return files, counts | ({ROWS_TRUE: num_true} if self._spec.counts_true else {})

    def _opened_records(self) -> SourceRecords | BoundRecords:
        source = self._unit.source
        if isinstance(source, SourceShard) and source.bound is not None:
            return BoundRecords(source.bound.view, source.bound.num_records, self._ledger)
        return SourceRecords(self._ledger)

    def _judged_so_far(self) -> JudgedRows | None:
        if self._given is not None:
            return None if self._given.judged is None else self._given.judged.taken_over()
        return JudgedRows() if self._spec.is_attributed else None

    def _base_rows(self) -> int:
        """Rows of the base's shard, or records of the sources' shard."""
        source = self._unit.source
        if isinstance(source, ViewShard):
            return source.num_rows
        if isinstance(source, SourceShard) and source.bound is not None:
            return source.bound.view.num_rows
        identity = self._identity()
        return 0 if identity is None else int(identity.num_rows)

    def _batches(self) -> Flow:
        """The unit's rows, in order, a batch at a time."""
        execution = self._spec.execution
        source = self._unit.source
        if self._given is not None:
            for batch, rows in zip(self._given.batches, self._given.rows, strict=True):
                yield batch, rows
        elif isinstance(source, SourceShard):
            yield from self._source_batches(source)
        elif isinstance(source, ViewShard):
            for batch, rows in source.batches(execution.batch_size):
                self._rows_read += batch.num_rows
                yield batch, rows
        else:
            assert isinstance(source, PartitionInput)
            for batch in read_partition(source, execution.exchange_memory_bytes):
                self._rows_read += batch.num_rows
                yield batch, None

    def _source_batches(self, source: SourceShard) -> Flow:
        for split in source.shard.splits:
            reader = SplitReader(
                split, source.sources[split.file.source], source.schema, self._spec.execution.read_bytes
            )
            for batch in reader.batches():
                documents, ordinals = self._records.take(batch, split)
                for start in range(0, documents.num_rows, self._spec.execution.batch_rows):
                    part = documents.slice(start, self._spec.execution.batch_rows)
                    yield part, ordinals[start : start + part.num_rows]
            self._records.end_split(split, reader.summary)
        self._rows_read += self._records.rows_read

    def _row_flow(self) -> Flow:
        if isinstance(self._unit.source, PartitionInput):
            for batch, _ in self._batches():
                self._rows_kept += batch.num_rows
                yield batch, None
            return
        for piece in self._row_pass.through(self._entering()):
            left = piece if self._judged is None or not self._spec.is_last else self._judged.left(*piece)
            self._rows_kept += left[0].num_rows
            yield left

    def _entering(self) -> Iterator[Piece]:
        """The unit's rows on their way to the first operator."""
        for batch, rows in self._batches():
            assert rows is not None
            if self._judged is not None and self._given is None:
                self._judged.enter(batch, rows)
            yield batch, rows

    def _through_partition(self, flow: Flow) -> Flow:
        if self._stage.partition is None:
            yield from flow
            return
        operator, call = self._stage.partition
        with blaming(operator, lambda _: f"failed within the first {self._rows_read} rows of a partition"):
            for batch in self._given_by(operator, call(self._fetched(batch for batch, _ in flow))):
                yield batch, None

    def _through_shard_operator(self, flow: Flow) -> Flow:
        if self._stage.shard is None:
            yield from flow
            return
        operator, call = self._stage.shard
        declared = operator.conserves()
        if declared is not None:
            self._conserved = dict.fromkeys(("conserved_in", "conserved_out", "conserved_cut"), 0)
        with blaming(operator, lambda _: "failed on a shard"):
            for batch in self._given_by(operator, call(self._fetched(self._measured(flow, declared)))):
                if declared is not None:
                    self._conserved["conserved_out"] += amount(batch[declared[1]])
                    self._conserved["conserved_cut"] += amount(batch[declared[2]])
                yield batch, None

    def _given_by(self, operator: Operator, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """What an operator gives; it is said to be at work until it has given the next batch."""
        label = self._spec.label_of(operator)
        given = iter(batches)
        while True:
            with self._progress.shard(label):
                batch = next(given, None)
            if batch is None:
                return
            yield batch

    def _fetched(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Batches for an operator; meanwhile it is not said to be at work."""
        while True:
            with self._progress.between():
                batch = next(batches, None)
            if batch is None:
                return
            yield batch

    def _measured(self, flow: Flow, declared: tuple[str, str, str] | None) -> Iterator[pa.RecordBatch]:
        for batch, _ in flow:
            if declared is not None:
                self._conserved["conserved_in"] += amount(batch[declared[0]])
            yield batch

    def _counts(self) -> dict[str, int]:
        counted = self._ledger.counts
        return {
            "rows_read": self._rows_read,
            "rows_kept": self._rows_kept,
            "rows_dropped": counted[Action.DROP],
            "rows_quarantined": counted[Action.QUARANTINE],
            "rows_edited": counted[Action.EDIT],
        }

    def _write_accounts(self) -> dict[str, FileRecord]:
        """The ledger, where anything happened, and the identity of what was read from sources."""
        files = {}
        ledger = self._ledger.table()
        if ledger.num_rows:
            files[LEDGER] = write_table(self._spec, self._unit.index, ledger, LEDGER)
        if self._judged is not None:
            files[VALUES] = write_table(self._spec, self._unit.index, self._judged.table(), VALUES)
        identity = self._identity()
        if identity is not None:
            files[IDENTITY] = write_table(self._spec, self._unit.index, identity, IDENTITY)
        return files

    def _hand_over(self) -> Passage:
        pairs = [(batch, rows) for batch, rows in self._row_flow() if rows is not None]
        return Passage(
            batches=[batch for batch, _ in pairs],
            rows=[rows for _, rows in pairs],
            ledger=self._ledger,
            rows_read=self._rows_read,
            inputs=self._inputs(),
            examples=self._row_pass.examples(),
            identity=self._identity(),
            judged=self._judged,
        )

    def _identity(self) -> pa.Table | None:
        return self._records.identity() if self._given is None else self._given.identity

    def _inputs(self) -> tuple[dict[str, object], ...]:
        return self._records.inputs if self._given is None else self._given.inputs
