"""What travels between driver and workers: the description of a stage, units of work, and what comes back.

Everything here is frozen and picklable; nothing here runs.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline.artifact import ShardRecord, ViewShard
from pipeline.execution.commit import StepFolder
from pipeline.execution.exchange import PartitionInput
from pipeline.execution.judged_rows import JudgedRows
from pipeline.execution.poison.progress import TimeLimits
from pipeline.execution.poison.rows import PoisonRow
from pipeline.io.shard_file import BatchSize, RowGroups
from pipeline.io.splits import InputShard
from pipeline.ledger import LedgerBuilder
from pipeline.operator import Annotator, Operator
from pipeline.plan.logical import ArtifactKind, Layout, Source
from pipeline.plan.stages import Partitioning, Stage


@dataclass(frozen=True, slots=True)
class Execution:
    """How work is carried out. Never part of identity: no field may reach a byte of an artifact."""

    batch_rows: int = 2048
    """Rows that pass through operators together."""
    read_bytes: int = 8 << 20
    """Bytes that one batch aims at, of an input or of an artifact; a row that is longer stands alone."""
    exchange_memory_bytes: int = 128 << 20
    """Rows of a partition that a reducer sorts at once, and rows that a map unit holds before it writes them; either
    takes about twice that, beside mapped files."""
    memory_bytes: int | None = None
    """What a worker is to stay within, if anyone said; the numbers above follow from it (memory_budget.py)."""
    call_timeout_seconds: float = 3600.0
    """Of a call of a row operator for which the recipe says none; kept by workers in processes of their own."""

    @property
    def batch_size(self) -> BatchSize:
        """Of what is read from artifacts."""
        return BatchSize(self.batch_rows, self.read_bytes)


@dataclass(frozen=True, slots=True)
class SourceShard:
    """Records of input files, and how to read them."""

    shard: InputShard
    sources: Mapping[str, Source]
    schema: pa.Schema
    """Of the columns that are read from the files."""
    bound: "BoundView | None" = None
    """What steps over these sources left; None for a first reading."""


@dataclass(frozen=True, slots=True)
class BoundView:
    """A shard's records as earlier steps numbered them, and what they found out."""

    view: ViewShard
    """Of its columns those that the files give are not in it."""
    num_records: tuple[int, ...]
    """Of each split."""


@dataclass(frozen=True, slots=True)
class TaskSource:
    """Whole artifacts for a task."""

    rows: tuple[ViewShard, ...] | None
    rows_schema: pa.Schema
    tables: Mapping[str, tuple[ViewShard, ...]]
    table_schemas: Mapping[str, pa.Schema]
    base_rows: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Unit:
    """One piece of work that is done, retried and committed as a whole: usually one shard."""

    index: int
    fingerprints: tuple[str, ...]
    """Of the shards that this unit leaves: one, except for a task that writes columns."""
    source: SourceShard | ViewShard | PartitionInput | TaskSource
    poison: tuple[PoisonRow, ...] = ()
    """Rows that operators are not shown, since they end or hang the process."""


@dataclass(frozen=True, slots=True)
class StageSpec:
    """What an actor needs to know of its stage before the first unit comes."""

    folder: StepFolder
    segment: int
    stage: Stage
    is_last: bool
    """Whether this stage writes; otherwise it hands its rows over to the next."""
    partitioning: Partitioning | None
    kind: ArtifactKind
    output_schema: pa.Schema
    layout: Layout
    execution: Execution
    is_attributed: bool = False
    """Whether the values of every rule are kept, of dropped rows too."""
    decided_by: str = ""
    """Label of the partition operator whose rows this segment brings home, if it does."""
    counts_true: str = ""
    """The column whose true values are counted, where the segment closes a round."""
    given: tuple[Annotator, ...] = ()
    """Annotators whose columns the stage before leaves for this one."""
    feeds: tuple[Annotator, ...] = ()
    """Annotators whose columns this stage leaves for the next one."""
    feeds_at: str = ""
    """Label of the next stage's first operator, where there are any."""
    fallbacks: tuple[str, ...] = ()
    """Labels of the step's operators that run as their fallback; goes into every record."""
    timeout_seconds: Mapping[str, float] = field(default_factory=dict)
    """Label of an operator of the stage -> what the recipe says."""
    unit_timeout_seconds: float | None = None
    """Of a unit in the stage."""

    @property
    def limits(self) -> TimeLimits:
        """How long a worker of this stage may take."""
        return TimeLimits(self.timeout_seconds, self.execution.call_timeout_seconds, self.unit_timeout_seconds)

    def label_of(self, operator: Operator) -> str:
        """What the step calls an operator of the stage."""
        stage = self.stage
        return next(label for label, one in zip(stage.labels, stage.operators, strict=True) if one is operator)

    @property
    def brings_home(self) -> bool:
        """Whether this segment only brings removals or columns home."""
        return bool(self.decided_by)

    @property
    def groups(self) -> RowGroups:
        """Row-group limits for the writer."""
        return RowGroups(self.layout.row_group_rows, self.layout.row_group_bytes, self.layout.zstd_level)

    @property
    def label(self) -> str:
        """For messages and progress."""
        names = " + ".join(self.stage.labels) or "copy"
        return f"step {self.folder.step}, stage {names}"


@dataclass(slots=True)
class Passage:
    """A shard on its way between two stages of a segment: its rows so far and what happened to the others."""

    batches: list[pa.RecordBatch]
    rows: list[npt.NDArray[np.uint32]]
    """Row numbers in the base (or among the records read), one array per batch."""
    ledger: LedgerBuilder
    rows_read: int
    inputs: tuple[dict[str, object], ...]
    examples: tuple[dict[str, str], ...]
    identity: pa.Table | None
    judged: JudgedRows | None
    """What rules measured so far, where the step keeps that."""
    made_with: dict[str, str] = field(default_factory=dict)
    """What the operators of the stages so far say about that."""


Result = tuple[ShardRecord, ...]
"""What the last stage of a segment returns for a unit: records for the driver to commit."""
