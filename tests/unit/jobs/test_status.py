"""What of a run is done."""

import gzip
import shutil
from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest

from jobs.status import DONE, STARTED, WAITING, print_status, run_status
from jobs.summary import print_summary
from jobs.terminal import PlainConsole
from pipeline.artifact import Fallback, load_manifest
from pipeline.errors import BudgetError
from pipeline.execution.commit import StepFolder
from pipeline.plan.logical import ArtifactKind, ErrorBudget, Recipe, Source, Step, View
from pipeline.recorded_run import load_run
from pipeline.report.damaged import DamagedFile
from pipeline.run import run_recipe


@pytest.fixture
def stopped(finished_folder: Path, tmp_path: Path) -> Path:
    """The build as it is when a driver was killed while it packed."""
    output = tmp_path / "out"
    shutil.copytree(finished_folder, output)
    (packed,) = (output / "steps").glob("packed-*")
    (packed / "manifest.json").unlink()
    return output


def test_a_finished_run(finished_folder: Path):
    status = run_status(load_run(finished_folder))
    assert (status.recipe, status.is_running, status.failure) == ("small", False, None)
    assert {step.state for step in status.steps} == {DONE}
    documents = status.steps[0]
    assert (documents.rows_kept, documents.rows_dropped, documents.rows_quarantined) == (4, 2, 0)
    assert documents.num_bytes > 0


def test_a_run_that_stopped(stopped: Path):
    status = run_status(load_run(stopped))
    states = {step.step: step.state for step in status.steps}
    assert states.pop("packed") in (STARTED, WAITING)
    assert set(states.values()) == {DONE}
    stream = StringIO()
    print_status(status, PlainConsole(file=stream, width=120))
    assert stream.getvalue().startswith("small: stopped\n")


@pytest.fixture
def over_budget(tmp_path: Path) -> Path:
    """A build that stopped because too many of its rows were bad."""
    (tmp_path / "in.jsonl").write_text('{"text": "good"}\n{"text": 7}\n{"id": "no text"}\n')
    source = Source(paths=(str(tmp_path / "in.jsonl"),))
    step = Step(name="documents", view=View(sources=("docs",)), write=ArtifactKind.DOCUMENTS)
    budget = ErrorBudget(max_bad_fraction=0, min_bad_rows=0)
    recipe = Recipe(name="bad", sources={"docs": source}, steps=(step,), error_budget=budget)
    with pytest.raises(BudgetError, match="expected at most 0 bad rows of 3; found 2"):
        run_recipe(recipe, tmp_path / "out")
    return tmp_path / "out"


def test_quarantined_rows_of_an_unfinished_step_are_shown_with_their_place(over_budget: Path):
    status = run_status(load_run(over_budget))
    assert (status.steps[0].state, status.steps[0].rows_quarantined) == (STARTED, 2)
    assert [(row.place, row.reason) for row in status.quarantined] == [
        ("in.jsonl at 17", "wrong_type"),
        ("in.jsonl at 29", "no_text"),
    ]
    assert status.failure is not None
    stream = StringIO()
    print_status(status, PlainConsole(file=stream, width=200))
    assert "in.jsonl at 29: no_text" in stream.getvalue()


def test_the_tenth_segment_comes_after_the_second(over_budget: Path):
    (first,) = (over_budget / "steps").glob("*/segment-0")
    shutil.copytree(first, first.with_name("segment-10"))
    for earlier in ("segment-0", "segment-2"):
        shutil.rmtree(first.with_name(earlier), ignore_errors=True)
        first.with_name(earlier).mkdir()
    assert run_status(load_run(over_budget)).steps[0].rows_quarantined == 2


@pytest.mark.parametrize("is_finished", [True, False])
def test_an_operator_that_fell_back_is_a_warning(is_finished: bool, finished_folder: Path, tmp_path: Path):
    output = tmp_path / "out"
    shutil.copytree(finished_folder, output)
    (packed,) = (output / "steps").glob("packed-*")
    fallback = Fallback("tokenize", {"engine": "quick"}, {"engine": "sound"}, "other ids")
    manifest = load_manifest(packed)
    assert manifest is not None
    (packed / "manifest.json").unlink()
    if is_finished:
        (packed / "manifest.json").write_bytes(replace(manifest, fallbacks=(fallback,)).to_bytes())
    else:
        (packed / "segment-0").mkdir()
        StepFolder(output, "packed", manifest.fingerprint).add_fallback(fallback)
    status = run_status(load_run(output))
    assert status.steps[-1].state == (DONE if is_finished else STARTED)
    stream = StringIO()
    print_status(status, PlainConsole(file=stream, width=200))
    assert "warning: packed: tokenize fell back (engine 'quick' -> 'sound'): other ids\n" in stream.getvalue()


def test_damaged_files_are_named_with_the_place_where_they_broke_off(tmp_path: Path):
    (tmp_path / "a[b]\x1b.jsonl.gz").write_bytes(gzip.compress(b'{"text": "good"}\n' * 3, 0)[:-20])
    (tmp_path / "b.jsonl.gz").write_bytes(b"")
    source = Source(paths=(str(tmp_path / "*.gz"),))
    step = Step(name="documents", view=View(sources=("docs",)), write=ArtifactKind.DOCUMENTS)
    budget = ErrorBudget(min_damaged_files=2)
    recipe = Recipe(name="bad", sources={"docs": source}, steps=(step,), error_budget=budget)
    run = run_recipe(recipe, tmp_path / "out")
    status = run_status(load_run(tmp_path / "out"))
    assert status.damaged == (
        DamagedFile("docs", "a[b]\x1b.jsonl.gz", "truncated", 34, 0),
        DamagedFile("docs", "b.jsonl.gz", "truncated", 0, 0),
    )
    printed = StringIO()
    print_status(status, PlainConsole(file=printed, width=120))
    print_summary(run, recipe, PlainConsole(file=printed, width=120))
    name = "a[b]\N{REPLACEMENT CHARACTER}.jsonl.gz"
    line = f"damaged files, 2 of 2:\n  {name} of source docs: truncated at 34, 0 stored bytes unread\n"
    assert printed.getvalue().count(line) == 2
