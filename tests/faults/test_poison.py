"""A document that ends or hangs the process of an operator is found and quarantined, and the rest goes through."""

import gzip
import multiprocessing
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from pipeline.errors import RunnerError
from pipeline.execution.faults import RARE_FAULT_POINTS
from pipeline.execution.poison import examination
from pipeline.execution.poison.examined import StageProcess
from pipeline.execution.work import Execution, StageSpec
from pipeline.plan.logical import ArtifactKind, Recipe, Step, View
from tests.builds import Built, MakeRunner, run_build, staged_files, tree_digest
from tests.corpus import Record, jsonl, write_files
from tests.faults.crashing import TIMEOUT_SECONDS, crash_locally
from tests.sample_operators import Harmful, LongEnough, TextLength
from tests.small import read, text_of

HARMFUL_ROW = 33
NUM_ROWS = 60
REASONS = {
    "segfault": ("crashed", "SIGSEGV"),
    "abort": ("crashed", "SIGABRT"),
    "exit": ("crashed", "exit code 3"),
    "killed": ("crashed", "SIGKILL"),
    "loop": ("timed_out", ""),
}
QUICK = Execution(batch_rows=25, call_timeout_seconds=2)

pytestmark = pytest.mark.timeout(180)


def inputs_with(folder: Path, harms: Mapping[int, str], num_rows: int = NUM_ROWS) -> Path:
    """Two units; the second one has texts that do harm, by row."""
    files = {}
    for file, told in enumerate(({}, harms)):
        rows = range(num_rows)
        texts = [f"HARM-{told[row]:<8} {text_of(row)}" if row in told else text_of(100 * file + row) for row in rows]
        lines = [Record(f"{file}-{row}", text).line() for row, text in enumerate(texts)]
        files[f"docs/{file}.jsonl.gz"] = gzip.compress(jsonl(lines), mtime=0)  # which is not split
    return write_files(folder / f"in-{'-'.join(harms.values())}", files)


def harmful(operator: Harmful | None = None, **settings: Any) -> Recipe:
    """`documents`, read through three operators, and `lengths` over it."""
    more = Step(name="lengths", view=View(base="documents"), nodes=(TextLength(),), write=ArtifactKind.COLUMNS)
    return read(LongEnough(min_chars=40), operator or Harmful(), shard_bytes=1 << 10, more=(more,), **settings)


def timed(seconds: float = 2) -> Recipe:
    """The same with a time-out, for the local runner to keep."""
    recipe = harmful()
    first = recipe.steps[0].model_copy(update={"timeout_seconds": {"harmful": seconds}})
    return recipe.model_copy(update={"steps": (first, *recipe.steps[1:])})


def quarantined(built: Built, step: str = "documents") -> list[tuple[int, str, str, str]]:
    """(row, operator, rule, detail) of a step's quarantines."""
    manifest = built.manifest(step)
    paths = [manifest.path(shard.index, "ledger") for shard in manifest.shards]
    rows = [row for path in paths if path for row in pq.read_table(path).to_pylist()]
    return [(row["row"], row["operator"], row["rule"], row["detail"]) for row in rows if row["action"] == "quarantine"]


def data_digests(built: Built) -> dict[str, list[str]]:
    """The digests of the rows of all steps."""
    return {name: [shard.files["data"].digest for shard in step.manifest.shards] for name, step in built.steps.items()}


def die_locally(recipe: Recipe, inputs: Path, output: Path, execution: Execution = QUICK) -> int | None:
    """The exit code of a process that builds on the local runner."""
    context = multiprocessing.get_context("forkserver")
    process = context.Process(target=run_build, args=(recipe, inputs, output, None, execution))
    process.start()
    process.join(TIMEOUT_SECONDS)
    assert process.exitcode is not None, "the build hangs"
    return process.exitcode


def resumed_locally(kind: str, recipe: Recipe, inputs: Path, output: Path) -> Built:
    """A build on the local runner, run again where it dies of a document."""
    if kind == "loop":
        return run_build(timed(), inputs, output, execution=QUICK)
    assert die_locally(recipe, inputs, output) not in (0, 1)
    return run_build(recipe, inputs, output, execution=QUICK)


@pytest.mark.parametrize("kind", ["segfault", "exit", "loop"])
def test_on_the_local_runner_the_next_run_goes_around_it(kind: str, tmp_path: Path) -> None:
    inputs = inputs_with(tmp_path, {HARMFUL_ROW: kind})
    built = resumed_locally(kind, harmful(), inputs, tmp_path / "out")
    assert quarantined(built) == [(HARMFUL_ROW, "harmful", *REASONS[kind])]
    assert built.steps_of("poison_found") == ["documents"]
    assert built.manifest("documents").rule_totals()[f"harmful/quarantine/{REASONS[kind][0]}"] == 1
    assert staged_files(built.output) == []
    # The rest is what it is where the row is quarantined because of an exception.
    expected = run_build(harmful(), inputs_with(tmp_path, {HARMFUL_ROW: "raises"}), tmp_path / "raises")
    assert quarantined(expected)[0][:3] == (HARMFUL_ROW, "harmful", "PoisonError")
    assert data_digests(built) == data_digests(expected)


@pytest.mark.ray
@pytest.mark.parametrize("kind", ["abort", "killed", "loop"])
def test_on_ray_the_same_run_goes_around_it(kind: str, tmp_path: Path, make_ray_runner: MakeRunner) -> None:
    inputs = inputs_with(tmp_path, {HARMFUL_ROW: kind})
    on_ray = run_build(harmful(), inputs, tmp_path / "ray", make_ray_runner(), QUICK)
    assert quarantined(on_ray) == [(HARMFUL_ROW, "harmful", *REASONS[kind])]
    local = resumed_locally(kind, harmful(), inputs, tmp_path / "local")
    assert tree_digest(on_ray.output) == tree_digest(local.output)


def test_a_process_that_fills_the_memory_is_killed_for_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is played: the memory is full whenever the operator stays in a call, which it does at one row."""

    class Full(StageProcess):
        def __init__(self, spec: StageSpec) -> None:
            super().__init__(spec, lambda: 1.0 if self._mark().has_rows else 0.0)

    monkeypatch.setattr(examination, "StageProcess", Full)
    built = run_build(timed(1000), inputs_with(tmp_path, {HARMFUL_ROW: "loop"}), tmp_path / "out")
    assert quarantined(built) == [(HARMFUL_ROW, "harmful", "out_of_memory", "")]


def test_an_operator_that_ends_its_process_as_it_opens_is_named(tmp_path: Path) -> None:
    inputs = inputs_with(tmp_path, {})
    recipe = harmful(Harmful(opens="killed"))
    assert die_locally(recipe, inputs, tmp_path / "out") == -signal.SIGKILL
    with pytest.raises(RunnerError) as raised:
        run_build(recipe, inputs, tmp_path / "out")
    assert "unit 0: expected to finish; its process ended 4 times, last crashed (SIGKILL) while it opened" in str(
        raised.value
    )
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("point", RARE_FAULT_POINTS)
def test_a_row_that_was_found_is_not_sought_again(point: str, tmp_path: Path) -> None:
    inputs = inputs_with(tmp_path, {HARMFUL_ROW: "loop"})
    output = tmp_path / "out"
    assert crash_locally(point, inputs, output, timed) == -signal.SIGKILL
    num_found = len(list(output.glob("steps/documents-*/poison-000-00001-*.json")))
    assert num_found == (1 if point == "poison.recorded" else 0)
    resumed = run_build(timed(), inputs, output, execution=QUICK)
    assert len(resumed.steps_of("poison_found")) == 1 - num_found
    assert quarantined(resumed) == [(HARMFUL_ROW, "harmful", "timed_out", "")]
    assert staged_files(output) == []
    assert not list(output.rglob("poison-*"))
