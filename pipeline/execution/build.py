"""The driver: carries a prepared recipe out, step by step, and commits what workers return.

It holds nothing that files do not: killed at any moment, a second run finds what is committed and does the rest.
"""

import itertools
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from pipeline.artifact import DATA, ROWS_TRUE, Manifest, ShardRecord, ViewShard
from pipeline.errors import CommitError, FallBackNeeded, OperatorError, PlanError
from pipeline.execution.commit import StepFolder
from pipeline.execution.dataset import make_dataset
from pipeline.execution.earlier import EarlierShards
from pipeline.execution.exchange import PartitionInput
from pipeline.execution.fallback import MadeWith, StepFallbacks
from pipeline.execution.faults import reach
from pipeline.execution.imports import ImportedArtifact, check_import_files
from pipeline.execution.input_checks import check_contents, check_unique_ids, known_contents
from pipeline.execution.prepare import PreparedRecipe, pin_step_files
from pipeline.execution.quarantine import check_budget
from pipeline.execution.run_folder import check_output, clear_staging, is_recorded, only_driver, write_run
from pipeline.execution.runner import Event, Runner, SegmentJob, Watch
from pipeline.execution.step_inputs import StepInputs
from pipeline.execution.work import Execution, SourceShard, StageSpec, Unit
from pipeline.format_writer import FormatWriter
from pipeline.io.read_batch import RejectReason
from pipeline.io.store import Place
from pipeline.io.system_errors import explained
from pipeline.ledger import READ, Action
from pipeline.operator import PartitionOperator, Task
from pipeline.plan.checked_step import CheckedStep
from pipeline.plan.derivation import fed
from pipeline.plan.identity import StepIdentity, is_hardware, with_checksums
from pipeline.plan.logical import BOUND_KINDS
from pipeline.plan.stages import Round, Segment, plan_segments


@dataclass(frozen=True, slots=True)
class FinishedStep:
    """A step of a build, its artifact and whether this run had to make it."""

    checked: CheckedStep
    manifest: Manifest
    identity: StepIdentity
    was_cached: bool


def build(
    prepared: PreparedRecipe, output: Place, runner: Runner, execution: Execution, watch: Watch
) -> dict[str, FinishedStep]:
    """Builds every step that is not there yet; returns all of them in build order.

    Raises:
        BudgetError: more bad input than allowed; what was done stays committed.
        StorageError: the output folder cannot be written to, or has no hard links.
        PipelineError: anything else that stops the build; run again to go on from what is committed.
    """
    with explained(f"output {str(output)!r}"):
        return _build(prepared, output, runner, execution, watch)


def _build(
    prepared: PreparedRecipe, output: Place, runner: Runner, execution: Execution, watch: Watch
) -> dict[str, FinishedStep]:
    if isinstance(output, Path):
        output.mkdir(parents=True, exist_ok=True)
    with only_driver(output):
        watch(Event("build_started"))
        clear_staging(output)
        check_output(output)
        finished: dict[str, FinishedStep] = {}
        imports_to_check = set(prepared.imports)
        if not is_recorded(prepared, output):
            write_run(prepared, output, _manifests(finished))
        for name in prepared.steps:
            step = _StepBuild(prepared, output, runner, execution, watch, finished, name)
            if not step.is_done():
                for parent in imports_to_check & set(prepared.steps[name].step.parents):
                    check_import_files(prepared.imports[parent])
                    imports_to_check.remove(parent)
            finished[name] = step.run()
            if not finished[name].was_cached:
                write_run(prepared, output, _manifests(finished))
            reach("step.done")
        write_run(prepared, output, _manifests(finished))
        clear_staging(output)
    return finished


class _StepBuild:
    """One step on its way to a manifest."""

    def __init__(
        self,
        prepared: PreparedRecipe,
        output: Place,
        runner: Runner,
        execution: Execution,
        watch: Watch,
        finished: Mapping[str, FinishedStep],
        name: str,
    ) -> None:
        self._prepared = prepared
        self._checked = prepared.steps[name]
        self._runner = runner
        self._execution = execution
        self._watch = watch
        known: dict[str, ImportedArtifact | FinishedStep] = {**prepared.imports, **finished}
        self._manifests = {parent: done.manifest for parent, done in known.items()}
        self._inputs = StepInputs(prepared, self._checked, self._checked, self._manifests)
        self._identity = prepared.identify(name, {parent: done.identity for parent, done in known.items()})
        self._folder = StepFolder(output, name, self._identity.fingerprint)
        self._fallbacks = StepFallbacks(name, ())
        self._made_with = MadeWith(name)

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
        self._inputs = replace(self._inputs, running=self._what_fits())
        segments = plan_segments(
            self._inputs.running,
            num_partitions=self._prepared.num_partitions,
            num_base_shards=self._inputs.num_view_shards(),
        )
        records = self._run_with_fallbacks(segments)
        ordered = tuple(records[index] for index in sorted(records))
        self._judge(ordered)
        sources = step.view.sources if self._checked.is_first_reading else ()
        if any(self._prepared.recipe.sources[name].id_from == "column" for name in sources):
            check_unique_ids(step.name, self._folder.path, ordered, self._folder.stage_file())
        last = step.operators[-1] if step.operators else None
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
            made_with=self._made_with.of_step(),
            fallbacks=self._fallbacks.by_operator,
            dataset=make_dataset(self._folder, last, ordered) if isinstance(last, FormatWriter) else (),
        )
        self._folder.finish(manifest)
        return manifest

    def _against_fingerprints(self) -> tuple[str, ...]:
        is_bound = self._checked.step.write in BOUND_KINDS
        return tuple(table.fingerprint for table in self._inputs.tables_behind()) if is_bound else ()

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
        base_rows = self._inputs.base_rows()
        if task.fits(base_rows):
            return self._checked
        if self._checked.beyond_memory is None:
            raise PlanError(
                f"step {step.name}: expected a base that fits into the memory of {task.name}; found "
                f"{sum(base_rows)} rows; raise its memory_bytes, or give the step `beyond_memory`"
            )
        return self._checked.beyond_memory

    def _run_with_fallbacks(self, segments: Sequence[Segment]) -> dict[int, ShardRecord]:
        """As `_run_segments`, all over again with an operator's fallback whenever one asks for it."""
        self._fallbacks = StepFallbacks.recorded(self._folder)
        while True:
            self._folder.drop_others(self._fallbacks.labels)
            self._made_with = MadeWith(self._checked.step.name)
            try:
                return self._run_segments(segments)
            except FallBackNeeded as asked:
                self._fall_back(segments, asked)

    def _fall_back(self, segments: Sequence[Segment], asked: FallBackNeeded) -> None:
        """Records, before anything else, that an operator of the step falls back."""
        stages = [stage for segment in segments for stage in segment.stages]
        operators = {label: one for stage in stages for label, one in zip(stage.labels, stage.operators, strict=True)}
        fallback = self._fallbacks.asked(asked, operators)
        self._folder.add_fallback(fallback)
        self._fallbacks = StepFallbacks.recorded(self._folder)
        self._folder.drop_others(self._fallbacks.labels)
        reach("fallback.dropped")
        found = f" ({asked.detail})" if asked.detail else ""
        self._watch(Event("fell_back", self._checked.step.name, message=f"{fallback}{found}"))

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
        records = self._folder.committed(segment.index)
        self._made_with.expect(segment.index, [records[index] for index in sorted(records)])
        is_final = segment.partitioning is None and not segment.is_task and decided_by == ""
        earlier = EarlierShards.of(self._folder, units if is_final else (), self._fallbacks.labels)
        missing = _missing(units, records)
        if not missing:
            self._note_start(segment, len(units), len(units))
        while missing:
            to_adopt, to_run = earlier.choose(missing, self._made_with.of(segment.index))
            for index in to_adopt:
                records[index] = self._folder.adopt(*earlier.by_unit[index], index)
                self._folder.commit(segment.index, records[index], self._checked.step.write)
                self._made_with.expect(segment.index, [records[index]])
            self._note_start(segment, len(units) - len(to_run), len(units))
            if to_run:
                poison = self._folder.poison(segment.index, self._fallbacks.labels)
                to_run = [replace(unit, poison=poison.get(unit.index, ())) for unit in to_run]
                self._carry_out(segment, to_run, decided_by, records, len(units))
            missing = _missing(units, records)
        for unit in units:
            for index, fingerprint in zip(_record_indexes(unit), unit.fingerprints, strict=True):
                if records[index].fingerprint != fingerprint:
                    raise CommitError(
                        f"step {self._folder.step}, shard {index}: expected fingerprint {fingerprint}; found "
                        f"{records[index].fingerprint}"
                    )
        return records

    def _note_start(self, segment: Segment, done: int, total: int) -> None:
        self._watch(Event("segment_started", self._folder.step, done, total, _segment_label(segment)))

    def _carry_out(
        self,
        segment: Segment,
        units: Sequence[Unit],
        decided_by: str,
        records: dict[int, ShardRecord],
        total: int,
    ) -> None:
        """Has units done, and commits what comes back."""
        kind = None if segment.partitioning is not None else self._checked.step.write
        known = known_contents(self._folder.root) if self._checked.reads_files else {}
        done = total - len(units)
        with closing(self._runner.run_segment(SegmentJob(self._specs(segment, decided_by), units), self._watch)) as job:
            for _, result in job:
                self._made_with.expect(segment.index, result)
                for record in result:
                    check_contents(record, known)
                    self._folder.commit(segment.index, record, kind)
                    records[record.index] = record
                done += 1
                self._watch(Event("unit_finished", self._folder.step, done, total))

    def _specs(self, segment: Segment, decided_by: str) -> tuple[StageSpec, ...]:
        specs: list[StageSpec] = []
        for place, stage in enumerate(segment.stages):
            standing_in = map(self._fallbacks.standing_in, stage.labels, stage.operators)
            operators = pin_step_files(tuple(standing_in), self._manifests)
            given = fed(operators) if stage.is_fed else ()
            if given:
                specs[-1] = replace(specs[-1], feeds=given, feeds_at=stage.labels[0])
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
                    given=given,
                    counts_true="" if segment.closes is None else segment.closes.while_any,
                    fallbacks=self._fallbacks.labels,
                    timeout_seconds=self._checked.step.timeouts_of(stage.operators, stage.labels),
                    unit_timeout_seconds=self._checked.step.unit_timeout_seconds,
                )
            )
        return tuple(specs)

    def _units(self, segment: Segment, before: Segment | None, records: Mapping[int, ShardRecord]) -> list[Unit]:
        if before is not None:
            assert before.partitioning is not None
            files = [Path(records[index].files[DATA].name).name for index in sorted(records)]
            listing = str(self._folder.list_exchange(before.index, files))
            count = before.partitioning.num_partitions
            names = self._unit_fingerprints(segment, count)
            rows = self._inputs.base_rows() if before.partitioning.exchange is None else (0,) * count
            inputs = [PartitionInput(i, listing, before.partitioning, rows[i]) for i in range(count)]
            return [Unit(i, (names[i],), partition) for i, partition in enumerate(inputs)]
        if segment.is_task:
            return [Unit(0, self._identity.shards, self._inputs.task_source())]
        view: Sequence[SourceShard | ViewShard] = (
            self._inputs.source_shards() if self._inputs.running.reads_files else self._inputs.view()
        )
        names = self._unit_fingerprints(segment, len(view))
        return [Unit(index, (names[index],), shard) for index, shard in enumerate(view)]

    def _unit_fingerprints(self, segment: Segment, count: int) -> tuple[str, ...]:
        """A final segment's units are the artifact's shards; others have names within the step."""
        if segment.partitioning is None:
            return self._identity.shards
        return tuple(f"{self._identity.fingerprint}/{segment.index}/{index}" for index in range(count))

    def _judge(self, records: Sequence[ShardRecord]) -> None:
        # What is wrong with a file is judged where it is first read.
        inputs = [entry for record in records for entry in record.inputs if self._checked.is_first_reading]
        check_budget(
            self._checked.step.name,
            self._prepared.recipe.error_budget,
            rows=sum(record.counts["rows_read"] for record in records),
            bad_rows=_bad_rows(records, with_damaged=not self._checked.is_first_reading),
            files=len({(entry["source"], entry["path"]) for entry in inputs}),
            damaged_files=len({(entry["source"], entry["path"]) for entry in inputs if "damaged" in entry}),
        )


def _manifests(finished: Mapping[str, FinishedStep]) -> dict[str, Manifest]:
    return {name: step.manifest for name, step in finished.items()}


def _bad_rows(records: Sequence[ShardRecord], *, with_damaged: bool) -> dict[str, int]:
    """Quarantined rows by reason; what damaged files lost is judged by the file, where they are first read."""
    reasons: dict[str, int] = {}
    for record in records:
        for key, rows in record.rules.items():
            operator, action, reason = key.split("/", 2)
            is_lost = (operator, reason) == (READ, RejectReason.DAMAGED)
            if action == Action.QUARANTINE and (with_damaged or not is_lost):
                reasons[reason] = reasons.get(reason, 0) + rows
    return reasons


def _missing(units: Sequence[Unit], records: Mapping[int, ShardRecord]) -> list[Unit]:
    """Units of whose records one is not there."""
    return [unit for unit in units if any(index not in records for index in _record_indexes(unit))]


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
