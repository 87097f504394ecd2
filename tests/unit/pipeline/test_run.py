"""Running a recipe: where its log is kept, and which outputs are refused."""

import fcntl
import json
from pathlib import Path

import pytest

from pipeline.errors import PlanError, RunnerError
from pipeline.plan.logical import ArtifactKind, Recipe, Source, Step, View
from pipeline.recorded_run import RecordedSource, load_run
from pipeline.run import run_recipe
from tests.corpus import Record, jsonl


def recipe(name: str) -> Recipe:
    read = Step(name="documents", view=View(sources=("docs",)), write=ArtifactKind.DOCUMENTS)
    return Recipe(name=name, sources={"docs": Source(paths=("a.jsonl",))}, steps=(read,))


@pytest.fixture
def inputs(tmp_path: Path) -> Path:
    (tmp_path / "a.jsonl").write_bytes(jsonl([Record("n1", "A text.").line()]))
    return tmp_path


def test_logs_say_what_ran_and_where_its_sources_lie(inputs: Path) -> None:
    run_recipe(recipe("mine"), inputs / "out", directory=inputs)
    assert load_run(inputs / "out").sources() == {
        "docs": RecordedSource(f"{inputs}/", "jsonl", "text", max_document_bytes=16 << 20, max_expansion=200)
    }
    events = [json.loads(line)["kind"] for line in (inputs / "out/logs/events.jsonl").read_text().splitlines()]
    assert (events[0], events[-1]) == ("build_started", "step_finished")


def test_a_refused_build_leaves_the_log_of_the_one_at_work(inputs: Path) -> None:
    run_recipe(recipe("mine"), inputs / "out", directory=inputs)
    before = (inputs / "out/logs/run.json").read_bytes()
    with (inputs / "out/logs/driver.lock").open("r+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(RunnerError, match="expected no other build in this folder"):
            run_recipe(recipe("other"), inputs / "out", directory=inputs)
    assert (inputs / "out/logs/run.json").read_bytes() == before


@pytest.mark.parametrize(
    ("output", "message"),
    [
        (Path("s3://bucket/corpus"), "expected a path; found a URL that lost a slash"),
        ("gs://bucket/corpus", "expected a folder, or s3://BUCKET/PREFIX; .* found gs"),
        ("file:///corpus", "expected a folder, or s3://BUCKET/PREFIX"),
        ("s3://bucket", "expected s3://BUCKET/PREFIX with a prefix"),
        ("s3://bucket/a/../b", r"expected s3://BUCKET/PREFIX with a prefix, and no `.` or `..` in it"),
    ],
)
def test_a_url_that_is_no_output_is_refused(
    output: str | Path, message: str, inputs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(inputs)
    with pytest.raises(PlanError, match=rf"^output .*: {message}"):
        run_recipe(recipe("mine"), output, directory=inputs)
    assert [path.name for path in inputs.iterdir()] == ["a.jsonl"]
