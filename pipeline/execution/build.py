"""The driver: carries a prepared recipe out, step by step, and commits what workers return.

It holds nothing that files do not: killed at any moment, a second run finds what is committed and does the rest.
"""

import fcntl
import itertools
import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa

from pipeline.appended import with_tables
from pipeline.artifact import DATA, ROWS_TRUE, Manifest, ShardRecord, ViewShard, record_shards, view_shards
from pipeline.document import POSITION, TEXT
from pipeline.errors import CommitError, OperatorError, PlanError, RunnerError
from pipeline.execution.commit import StepFolder
from pipeline.execution.exchange import PartitionInput
from pipeline.execution.faults import reach
from pipeline.execution.imports import ImportedArtifact, check_import_files
from pipeline.execution.input_checks import check_contents, check_unique_ids, known_contents
from pipeline.execution.prepare import PreparedRecipe, pin_step_files
from pipeline.execution.quarantine import check_budget
from pipeline.execution.runner import Event, Runner, SegmentJob, Watch
from pipeline.execution.work import BoundView, Execution, SourceShard, StageSpec, TaskSource, Unit
from pipeline.ledger import Action
from pipeline.operator import PartitionOperator, Task, columns_read
from pipeline.plan.check import BOUND_KINDS, RECORD_COLUMNS, CheckedStep
from pipeline.plan.identity import StepIdentity, is_hardware, with_checksums
from pipeline.plan.stages import Round, Segment, plan_segments
from pipeline.recorded_run import RUN_NAME


@dataclass(frozen=True, slots=True)
class FinishedStep:
    """A step of a build, its artifact and whether this run had to make it."""

    checked: CheckedStep
    manifest: Manifest
    identity: StepIdentity
    was_cached: bool


def build(
    prepared: PreparedRecipe, output: Path, runner: Runner, execution: Execution, watch: Watch
) -> dict[str, FinishedStep]:
    """Builds every step that is not there yet; returns all of them in build order.

    Raises:
        BudgetError: more bad input than allowed; what was done stays committed.
        PipelineError: anything else that stops the build; run again to go on from what is committed.
    """
    output.mkdir(parents=True, exist_ok=True)
    with _only_driver(output):
        watch(Event("build_started"))
        _clear_staging(output)
        finished: dict[str, FinishedStep] = {}
        imports_to_check = set(prepared.imports)
        if not _is_recorded(prepared, output):
            _write_run(prepared, output, finished)
        for name in prepared.steps:
            step = _StepBuild(prepared, output, runner, execution, watch, finished, name)
            if not step.is_done():
                for parent in imports_to_check & set(prepared.steps[name].step.parents):
                    check_import_files(prepared.imports[parent])
                    imports_to_check.remove(parent)
            finished[name] = step.run()
            if not finished[name].was_cached:
                _write_run(prepared, output, finished)
            reach("step.done")
        _write_run(prepared, output, finished)
        _clear_staging(output)
    return finished


class _StepBuild:
    """One step on its way to a manifest."""

    def __init__(
        self,
        prepared: PreparedRecipe,
        output: Path,
        runner: Runner,
        execution: Execution,
        watch: Watch,
        finished: Mapping[str, FinishedStep],
        name: str,
    ) -> None:
        self._prepared = prepared
        self._checked = prepared.steps[name]
        self._running = self._checked
        """What is carried out: the step, or what it has for inputs beyond its task's memory."""
        self._runner = runner
        self._execution = execution
        self._watch = watch
        known: dict[str, ImportedArtifact | FinishedStep] = {**prepared.imports, **finished}
        self._manifests = {parent: done.manifest for parent, done in known.items()}
        self._identity = prepared.identify(name, {parent: done.identity for parent, done in known.items()})
        self._folder = StepFolder(output, name, self._identity.fingerprint)

    def is_done(self) -> bool:
        """Whether an earlier build left the step's artifact."""
        return self._folder.manifest() is not None

    def run(self) -> FinishedStep:
        step = self._checked.step
        manifest = self._folder.manifest()
        was_cached = manifest is not None
        if manifest is None:
            self._watch(Event("step_started", step.name))
            manifest = self._make()
        if not self._folder.is_swept:
            self._folder.sweep(manifest)
        self._watch(Event("step_cached" if was_cached else "step_finished", step.name))
        identity = self._identity
        if is_hardware(self._checked):
            identity = with_checksums(identity, [shard.files[DATA].digest for shard in manifest.shards])
        return FinishedStep(self._checked, manifest, identity, was_cached)

    def _make(self) -> Manifest:
        step = self._checked.step
        self._running = self._what_fits()
        segments = plan_segments(
            self._running, num_partitions=self._prepared.num_partitions, num_base_shards=self._num_view_shards()
        )
        records = self._run_segments(segments)
        ordered = tuple(records[index] for index in sorted(records))
        self._judge(ordered)
        sources = step.view.sources if self._checked.is_first_reading else ()
        if any(self._prepared.recipe.sources[name].id_from == "column" for name in sources):
            check_unique_ids(step.name, self._folder.path, ordered, self._folder.stage_file())
        manifest = Manifest(
            step=step.name,
            kind=step.write,
            fingerprint=self._identity.fingerprint,
            base_step=step.view.base if step.write in BOUND_KINDS else None,
            base_fingerprint=self._base_fingerprint(),
            operators=self._identity.operators,
            columns={field.name: str(field.type) for field in self._checked.output_schema},
            shards=ordered,
            folder=self._folder.path,
            against_fingerprints=self._against_fingerprints(),
        )
        self._folder.finish(manifest)
        return manifest

    def _num_view_shards(self) -> int:
        """Shards of the base or of the sources, and of the tables behind them."""
        step = self._checked.step
        behind = sum(len(table.shards) for table in self._tables_behind())
        if step.view.base is None:
            return len(self._prepared.input_shards(step)) + behind
        return len(self._manifests[step.view.base].shards) + behind

    def _tables_behind(self) -> list[Manifest]:
        return [self._manifests[name] for name in self._checked.step.view.against]

    def _against_fingerprints(self) -> tuple[str, ...]:
        is_bound = self._checked.step.write in BOUND_KINDS
        return tuple(table.fingerprint for table in self._tables_behind()) if is_bound else ()

    def _base_fingerprint(self) -> str | None:
        """Of the base; of the sources, for what belongs to their records."""
        step = self._checked.step
        if step.view.base is not None:
            return self._manifests[step.view.base].fingerprint
        return self._prepared.sources_fingerprint(step) if step.write in BOUND_KINDS else None

    def _what_fits(self) -> CheckedStep:
        """The step itself, unless its task says that the base is too large for it: from numbers of rows alone."""
        step = self._checked.step
        task = step.nodes[0] if step.nodes else None
        if not isinstance(task, Task) or (step.view.base is None and not step.view.sources):
            return self._checked
        base_rows = self._base_rows()
        if task.fits(base_rows):
            return self._checked
        if self._checked.beyond_memory is None:
            raise PlanError(
                f"step {step.name}: expected a base that fits into the memory of {task.name}; found "
                f"{sum(base_rows)} rows; raise its memory_bytes, or give the step `beyond_memory`"
            )
        return self._checked.beyond_memory

    def _run_segments(self, segments: Sequence[Segment]) -> dict[int, ShardRecord]:
        """Carries the segments out, those of a Repeat until a round changes nothing; returns the last one's records.

        Every round's segments have numbers of their own, so that a step that was killed goes on in the round.
        """
        records: dict[int, ShardRecord] = {}
        before: Segment | None = None
        place = num_rounds = 0
        for index in itertools.count():
            segment = replace(segments[place], index=index)
            sent = sum(record.counts["rows_written"] for record in records.values())
            records = self._run_segment(segment, self._units(segment, before, records), _decider(segment, before))
            if before is not None:
                self._check_arrival(sent, records)
            if before is not None and num_rounds:
                self._folder.drop_exchange(before.index)
            reach("segment.done")
            place += 1
            if segment.closes is not None:
                num_rounds += 1
                if self._asks_for_another_round(segment.closes, records, num_rounds):
                    place = segment.closes.first
                else:
                    num_rounds = 0
                reach("round.done")
            if place == len(segments):
                break
            before = segment
        return records

    def _asks_for_another_round(self, closed: Round, records: Mapping[int, ShardRecord], num_rounds: int) -> bool:
        num_rows = sum(record.counts[ROWS_TRUE] for record in records.values())
        if num_rows and num_rounds == closed.max_rounds:
            raise OperatorError(
                f"step {self._folder.step}: expected rounds that come to an end within max_rounds {closed.max_rounds}; "
                f"{num_rows} rows of the last one are {closed.while_any}; raise max_rounds, and run again to go on"
            )
        return num_rows > 0

    def _check_arrival(self, sent: int, records: Mapping[int, ShardRecord]) -> None:
        """Refuses a step in whose exchange rows got lost or came twice."""
        arrived = sum(record.counts["rows_read"] for record in records.values())
        if arrived != sent:
            raise CommitError(
                f"step {self._folder.step}: expected {sent} rows, as they were sent through the exchange; {arrived} "
                "arrived; clear the step's folder and run again"
            )

    def _run_segment(self, segment: Segment, units: Sequence[Unit], decided_by: str) -> dict[int, ShardRecord]:
        """Carries out the units that are not committed, and returns every record of the segment."""
        step = self._checked.step
        kind = None if segment.partitioning is not None else step.write
        records = self._folder.committed(segment.index)
        if segment.partitioning is None and not segment.is_task and decided_by == "":
            self._adopt(segment, units, records)
        missing = [unit for unit in units if any(index not in records for index in _record_indexes(unit))]
        done = len(units) - len(missing)
        self._watch(Event("segment_started", step.name, done, len(units), _segment_label(segment)))
        if missing:
            job = SegmentJob(self._specs(segment, decided_by), missing)
            known = known_contents(self._folder.root) if self._checked.reads_files else {}
            with closing(self._runner.run_segment(job, self._watch)) as results:
                for _, result in results:
                    for record in result:
                        check_contents(record, known)
                        self._folder.commit(segment.index, record, kind)
                        records[record.index] = record
                    done += 1
                    self._watch(Event("unit_finished", step.name, done, len(units)))
        for unit in units:
            for index, fingerprint in zip(_record_indexes(unit), unit.fingerprints, strict=True):
                if records[index].fingerprint != fingerprint:
                    raise CommitError(
                        f"step {step.name}, shard {index}: expected fingerprint {fingerprint}; found "
                        f"{records[index].fingerprint}"
                    )
        return records

    def _adopt(self, segment: Segment, units: Sequence[Unit], records: dict[int, ShardRecord]) -> None:
        """Takes over shards that an earlier build of this step left: after a new input file, most of them."""
        earlier = self._folder.earlier_shards()
        for unit in units:
            if unit.index not in records and unit.fingerprints[0] in earlier:
                record = self._folder.adopt(*earlier[unit.fingerprints[0]], unit.index)
                self._folder.commit(segment.index, record, self._checked.step.write)
                records[unit.index] = record

    def _specs(self, segment: Segment, decided_by: str) -> tuple[StageSpec, ...]:
        specs = []
        for place, stage in enumerate(segment.stages):
            operators = pin_step_files(stage.operators, self._manifests)
            specs.append(
                StageSpec(
                    folder=self._folder,
                    segment=segment.index,
                    stage=replace(stage, operators=operators),
                    is_last=place == len(segment.stages) - 1,
                    partitioning=segment.partitioning,
                    kind=self._checked.step.write,
                    output_schema=self._checked.output_schema,
                    layout=self._prepared.recipe.layout,
                    execution=self._execution,
                    decided_by=decided_by,
                    is_attributed=self._checked.step.attribution,
                    counts_true="" if segment.closes is None else segment.closes.while_any,
                )
            )
        return tuple(specs)

    # What the segment's units read

    def _units(self, segment: Segment, before: Segment | None, records: Mapping[int, ShardRecord]) -> list[Unit]:
        if before is not None:
            assert before.partitioning is not None
            files = [Path(records[index].files[DATA].name).name for index in sorted(records)]
            listing = str(self._folder.list_exchange(before.index, files))
            count = before.partitioning.num_partitions
            names = self._unit_fingerprints(segment, count)
            rows = self._base_rows() if before.partitioning.exchange is None else (0,) * count
            inputs = [PartitionInput(i, listing, before.partitioning, rows[i]) for i in range(count)]
            return [Unit(i, (names[i],), partition) for i, partition in enumerate(inputs)]
        if segment.is_task:
            return [Unit(0, self._identity.shards, self._task_source())]
        view: Sequence[SourceShard | ViewShard] = self._source_shards() if self._running.reads_files else self._view()
        names = self._unit_fingerprints(segment, len(view))
        return [Unit(index, (names[index],), shard) for index, shard in enumerate(view)]

    def _source_shards(self) -> tuple[SourceShard | ViewShard, ...]:
        """Shards of the sources' files, with what is bound beside them, and of the tables behind them."""
        step = self._checked.step
        shards = self._prepared.input_shards(step)
        sources = {name: self._prepared.recipe.sources[name] for name in step.view.sources}
        offered = self._prepared.schemas[step.view.sources[0]]
        read = set(self._checked.read_columns)
        if self._checked.is_first_reading:
            # Text is decoded for its checks anyway, and examples of what filters drop show it.
            schema = pa.schema([field for field in offered if field.name in read | {TEXT}])
            return tuple(SourceShard(shard, sources, schema) for shard in shards)
        schema = pa.schema([field for field in offered if field.name in read - RECORD_COLUMNS])
        records = [tuple(int(entry["num_records"]) for entry in shard.inputs) for shard in self._reader.shards]
        views = self._view()
        own = tuple(
            SourceShard(shard, sources, schema, BoundView(view, records[view.index]))
            for shard, view in zip(shards, views, strict=False)
        )
        return own + views[len(own) :]

    @property
    def _reader(self) -> Manifest:
        """The first reading of the step's sources."""
        assert self._checked.reader is not None
        return self._manifests[self._checked.reader]

    def _unit_fingerprints(self, segment: Segment, count: int) -> tuple[str, ...]:
        """A final segment's units are the artifact's shards; others have names within the step."""
        if segment.partitioning is None:
            return self._identity.shards
        return tuple(f"{self._identity.fingerprint}/{segment.index}/{index}" for index in range(count))

    def _view(self) -> tuple[ViewShard, ...]:
        """The view as far as artifacts hold it."""
        view = self._running.step.view
        bound = [self._manifests[name] for name in view.bound]
        columns, with_position = self._running.read_columns, self._needs_position()
        if view.base is None:
            shards = record_shards(self._reader, bound, columns, with_position=with_position)
        else:
            shards = view_shards(self._manifests[view.base], bound, columns, with_position=with_position)
        return with_tables(shards, self._tables_behind(), bound, self._absent()) if view.against else shards

    def _absent(self) -> list[pa.Field]:
        """Columns of the view that neither the base nor the sources have, nor anything bound: those of tables alone."""
        view = self._running.step.view
        origin = self._prepared.schemas[view.sources[0]].names if view.base is None else self._columns(view.base).names
        own = {*origin, *(name for step in view.bound for name in self._columns(step).names), POSITION}
        return [field for field in self._checked.view_schema if field.name not in own]

    def _columns(self, name: str) -> pa.Schema:
        """Columns of a step or an import."""
        return self._prepared.checked(name).output_schema

    def _task_source(self) -> TaskSource:
        step = self._checked.step
        rows = None
        schema = pa.schema([])
        base_rows: tuple[int, ...] = ()
        if step.view.base is not None or step.view.sources:
            base_rows = self._base_rows()
            rows = self._view()
            wanted = set(self._checked.read_columns) | ({POSITION} if self._needs_position() else set())
            schema = pa.schema([field for field in self._checked.view_schema if field.name in wanted])
        tables = {}
        table_schemas = {}
        for name in step.tables:
            columns = self._columns(name)
            tables[name] = view_shards(self._manifests[name], (), columns.names, with_position=False)
            table_schemas[name] = columns
        return TaskSource(rows, schema, tables, table_schemas, base_rows)

    def _base_rows(self) -> tuple[int, ...]:
        """Rows of the base by shard, or records of the sources; then those of the tables behind."""
        view = self._checked.step.view
        own = self._reader.shard_records if view.base is None else self._manifests[view.base].shard_rows
        return (*own, *(rows for table in self._tables_behind() for rows in table.shard_rows))

    def _needs_position(self) -> bool:
        required = [name for operator in self._running.step.operators for name in columns_read(operator).names]
        travelling = [name for schema in self._running.exchange_schemas for name in schema.names]
        return POSITION in self._running.view_schema.names and POSITION in (*required, *travelling)

    def _judge(self, records: Sequence[ShardRecord]) -> None:
        # What is wrong with a file is judged where it is first read.
        inputs = [entry for record in records for entry in record.inputs if self._checked.is_first_reading]
        check_budget(
            self._checked.step.name,
            self._prepared.recipe.error_budget,
            rows=sum(record.counts["rows_read"] for record in records),
            bad_rows=_bad_rows(records),
            files=len({(entry["source"], entry["path"]) for entry in inputs}),
            damaged_files=len({(entry["source"], entry["path"]) for entry in inputs if "damaged" in entry}),
        )


def _bad_rows(records: Sequence[ShardRecord]) -> dict[str, int]:
    """Quarantined rows by reason."""
    reasons: dict[str, int] = {}
    for record in records:
        for key, rows in record.rules.items():
            _, action, reason = key.split("/", 2)
            if action == Action.QUARANTINE:
                reasons[reason] = reasons.get(reason, 0) + rows
    return reasons


def _record_indexes(unit: Unit) -> tuple[int, ...]:
    """The records that a unit leaves: its own, or all shards of a task's artifact."""
    return (unit.index,) if len(unit.fingerprints) == 1 else tuple(range(len(unit.fingerprints)))


def _decider(segment: Segment, before: Segment | None) -> str:
    """The partition operator whose removals or columns this segment brings home; empty for any other segment."""
    if before is None or segment.partitioning is not None:
        return ""
    if before.partitioning is None or before.partitioning.exchange is not None:
        return ""
    deciders = [
        label
        for stage in before.stages
        for label, operator in zip(stage.labels, stage.operators, strict=True)
        if isinstance(operator, PartitionOperator)
    ]
    return deciders[-1]


def _segment_label(segment: Segment) -> str:
    labels = [label for stage in segment.stages for label in stage.labels]
    return " + ".join(labels) or "copy"


def _write_run(prepared: PreparedRecipe, output: Path, finished: Mapping[str, FinishedStep]) -> None:
    """run.json: which folder holds which step of the recipe as it was last run. The same for every run of it."""
    steps = [
        {
            "step": name,
            "kind": prepared.steps[name].step.write.value,
            "folder": finished[name].manifest.folder.relative_to(output).as_posix() if name in finished else None,
            "parents": list(prepared.steps[name].step.parents),
            "base": prepared.steps[name].base,
            "bound": list(prepared.steps[name].step.view.bound),
            "sources": list(prepared.steps[name].step.view.sources),
            "against": list(prepared.steps[name].step.view.against),
            "reader": prepared.steps[name].reader,
        }
        for name in prepared.steps
    ]
    imports = [
        {"name": name, "step": found.manifest.step, "fingerprint": found.manifest.fingerprint}
        for name, found in prepared.imports.items()
    ]
    text = json.dumps({"recipe": prepared.recipe.name, "steps": steps, "imports": imports}, indent=1) + "\n"
    path = output / RUN_NAME
    if path.exists() and path.read_text() == text:
        return
    staged = output / "tmp" / RUN_NAME
    staged.write_text(text)
    staged.replace(path)


def _is_recorded(prepared: PreparedRecipe, output: Path) -> bool:
    """Whether run.json is about these steps already."""
    path = output / RUN_NAME
    return path.exists() and [step["step"] for step in json.loads(path.read_text())["steps"]] == list(prepared.steps)


def _clear_staging(output: Path) -> None:
    """Empties tmp/. An actor of a killed driver may still be writing there: what it adds or renames is not ours."""
    staging = output / "tmp"
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir(exist_ok=True)


@contextmanager
def _only_driver(output: Path) -> Iterator[None]:
    """Warns a second driver early. Safety does not rest on it: commits are created only if absent."""
    logs = output / "logs"
    logs.mkdir(exist_ok=True)
    with (logs / "driver.lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.seek(0)
            raise RunnerError(
                f"output {str(output)!r}: expected no other build in this folder; process "
                f"{lock.read().strip() or '?'} is at "
                "work there; wait for it, or choose another folder"
            ) from None
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        yield
