"""The command line: what goes where, and exit codes."""

import errno
import io
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from jobs.cli import main
from operators.catalogue import catalogue
from pipeline.execution.local import LocalRunner
from pipeline.execution.prepare import prepare
from pipeline.execution.run_folder import only_driver
from pipeline.execution.work import Execution
from pipeline.recipe import load_recipe
from pipeline.run import run_prepared

Command = Callable[..., tuple[int, str, str]]
ROOT = Path(__file__).parents[3]


@pytest.fixture
def corpusmill(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Command:
    """Runs a command; returns its exit code, stdout and stderr."""

    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["corpusmill", *map(str, arguments)])
        with pytest.raises(SystemExit) as stopped:
            main()
        out, err = capfd.readouterr()
        code = stopped.value.code
        return (code if isinstance(code, int) else 0), out, err

    return run


def folders(output: Path) -> Sequence[str]:
    return sorted(path.name.rsplit("-", 1)[0] for path in (output / "steps").iterdir())


def test_run_prints_numbers_on_stdout_and_progress_on_stderr(corpusmill: Command, recipe_file: Path, tmp_path: Path):
    code, out, err = corpusmill("run", recipe_file, "--runner", "local", "--output", tmp_path / "out", "--json")
    assert code == 0
    assert json.loads(out)["rows_kept"] == 2
    assert "packed: finished" in err


def test_a_process_that_asked_a_database_leaves_nothing_on_stderr(recipe_file: Path, tmp_path: Path):
    by_id = recipe_file.read_text().replace("'*.jsonl'", f"'{recipe_file.parent}/*.jsonl', id_from: column")
    (tmp_path / "by_id.yaml").write_text(by_id)
    run = ("run", tmp_path / "by_id.yaml", "--runner", "local", "--output", tmp_path / "out")
    for arguments in (run, ("explain", tmp_path / "out", "short")):
        command = [sys.executable, "-m", "jobs", *map(str, arguments)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
        assert all(line.startswith("[") for line in done.stderr.splitlines()), "progress, and nothing else"


def test_a_second_run_does_nothing_and_an_edited_field_what_depends_on_it(
    corpusmill: Command, recipe_file: Path, tmp_path: Path
):
    output = tmp_path / "out"
    run = ("run", recipe_file, "--runner", "local", "--output", output)
    corpusmill(*run)
    before = folders(output)
    _, out, _ = corpusmill(*run)
    assert f"({len(before)} of {len(before)} steps were already built)" in out
    _, out, _ = corpusmill(*run, "--set", "packed.best_fit.window=32")
    assert f"({len(before) - 1} of {len(before)} steps were already built)" in out
    assert folders(output) == sorted([*before, "packed"])

    code, out, _ = corpusmill("clean", output)
    assert code == 0
    assert out.startswith("removed ")
    assert folders(output) == before


def test_explain_names_rule_value_threshold_and_survivor(corpusmill: Command, finished_folder: Path):
    code, out, _ = corpusmill("explain", finished_folder, "short")
    assert code == 0
    assert "(short): dropped" in out
    assert "documents: drop, by gopher_quality, rule too_few_words, value 2, threshold 8" in out

    _, out, _ = corpusmill("explain", finished_folder, "story")  # of the two, the copy has the smaller doc_id
    assert "exact: drop, by drop_duplicates, rule exact_duplicate, value 2" in out
    assert "(copy)" in out

    _, out, _ = corpusmill("explain", finished_folder, "other", "--json")
    (fate,) = json.loads(out)
    assert fate["verdict"] == "kept"
    assert fate["events"][0]["detail"].startswith("source docs, 1.jsonl at ")
    assert (fate["events"][-1]["step"], fate["events"][-1]["action"]) == ("packed", "packed")


def test_status_of_a_finished_run(corpusmill: Command, finished_folder: Path):
    code, out, _ = corpusmill("status", finished_folder)
    assert code == 0
    assert out.startswith("small: done\n")
    _, out, _ = corpusmill("status", finished_folder, "--json")
    assert {step["state"] for step in json.loads(out)["steps"]} == {"done"}


def test_validate_and_plan_write_nothing(corpusmill: Command, recipe_file: Path, tmp_path: Path):
    code, out, _ = corpusmill("validate", recipe_file)
    assert (code, out.split(": ", 1)[1]) == (0, "14 steps over 2 input files fit together\n")
    code, out, _ = corpusmill("plan", recipe_file, "--output", tmp_path / "out", "--workers", 2, "--no-sample")
    assert code == 0
    assert "packed -> table" in out
    assert not (tmp_path / "out").exists()


def test_a_plan_is_printed_even_where_its_sample_cannot_be_built(corpusmill: Command, recipe_file: Path):
    code, out, _ = corpusmill("plan", recipe_file, "--set", "documents.gopher_quality.min_words=10000")
    assert code == 0
    assert "packed -> table" in out
    assert "estimate: none; a sample of the input's head could not be built: train_tokenizer: expected text" in out


def test_only_what_is_not_built_is_estimated(corpusmill: Command, recipe_file: Path, finished_folder: Path):
    _, out, _ = corpusmill("plan", recipe_file, "--output", finished_folder)
    assert out.endswith("\nestimate: nothing is left to build\n")
    _, out, _ = corpusmill("plan", recipe_file, "--output", finished_folder, "--set", "packed.best_fit.window=32")
    (dearest,) = (line for line in out.splitlines() if line.startswith("  dearest: "))
    assert dearest.startswith("  dearest: packed ")
    assert "," not in dearest


def test_schema_is_json(corpusmill: Command):
    _, out, _ = corpusmill("schema")
    assert json.loads(out)["title"] == "corpusmill recipe"


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("run", "{recipe}", "--set", "documents.gopher_quality.nothing=1"), 2, "nothing: no such field; fields: ["),
        (("run", "{recipe}", "--runner", "slurm"), 2, "runner 'slurm': unknown; runners: ['local', 'ray']"),
        (("run", "{recipe}", "--runner", "local", "--workers", "3"), 2, "expected no ['workers']"),
        (("run", "{recipe}", "--no-such-option"), 2, "No such option"),
        (("run", "{folder}/none.yaml"), 2, "expected a readable YAML file"),
        (("explain", "{folder}", "x"), 1, "expected an output folder of `corpusmill run`"),
    ],
)
def test_failures(
    corpusmill: Command, recipe_file: Path, tmp_path: Path, arguments: Sequence[str], code: int, message: str
):
    filled = [argument.format(recipe=recipe_file, folder=tmp_path) for argument in arguments]
    found, out, err = corpusmill(*filled)
    assert (found, out) == (code, "")
    assert message in err


def test_an_error_that_nobody_expected_is_one_line_and_a_file(
    corpusmill: Command, recipe_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def broken(*_: object) -> None:
        raise ZeroDivisionError("text of a document")

    monkeypatch.setattr("jobs.cli.prepare", broken)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    code, out, err = corpusmill("validate", recipe_file)
    assert (code, out) == (1, "")
    assert err.startswith("corpusmill: expected no such error; found ZeroDivisionError in test_cli.py, line ")
    assert err.count("\n") == 1
    assert "text of a document" not in err
    (written,) = tmp_path.glob("corpusmill-*.traceback")
    assert str(written) in err
    assert "text of a document" in written.read_text()
    assert written.stat().st_mode & 0o777 == 0o600


def test_an_error_that_cannot_be_printed_has_its_exit_code(corpusmill: Command, monkeypatch: pytest.MonkeyPatch):
    class Full(io.StringIO):
        def write(self, _: str) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(sys, "stderr", Full())
    assert corpusmill("validate", "none.yaml")[0] == 2


def test_a_reader_that_has_seen_enough_is_no_error():
    command = f"{sys.executable} -m jobs schema | head -c 1"
    ended = subprocess.run(["/bin/sh", "-c", command], capture_output=True, cwd=Path(__file__).parents[3], check=False)
    assert (ended.stdout, ended.stderr) == (b"{", b"")


def test_clean_removes_other_builds_and_keeps_unfinished_work(
    corpusmill: Command, finished_folder: Path, tmp_path: Path
):
    output = tmp_path / "out"
    shutil.copytree(finished_folder, output)
    shutil.copytree(next((output / "steps").glob("exact-*")), output / "steps" / "exact-000000000000")
    shutil.copytree(next((output / "steps").glob("exact-*")), output / "steps" / "gone-000000000000")
    recorded = json.loads((output / "run.json").read_text())
    (packed,) = [step for step in recorded["steps"] if step["step"] == "packed"]
    kept = packed["folder"]
    packed["folder"] = None
    (output / "run.json").write_text(json.dumps(recorded))

    code, out, _ = corpusmill("clean", str(output))
    assert code == 0
    assert out.count("removed") == 2
    assert (output / kept).is_dir()
    assert not (output / "steps" / "exact-000000000000").exists()
    assert not (output / "steps" / "gone-000000000000").exists()


def test_clean_is_refused_while_a_driver_is_at_work(corpusmill: Command, finished_folder: Path, tmp_path: Path):
    output = tmp_path / "out"
    shutil.copytree(finished_folder, output)
    being_written = output / "steps" / "exact-000000000000"
    shutil.copytree(next((output / "steps").glob("exact-*")), being_written)
    with only_driver(output):
        code, out, err = corpusmill("clean", output)
    assert (code, out) == (1, "")
    assert err.startswith(f"corpusmill: output {str(output)!r}: expected no other build in this folder; process ")
    assert being_written.is_dir()
    assert corpusmill("clean", output)[:2] == (0, f"removed {being_written}\n")


def test_clean_leaves_no_trace_where_there_is_no_run(corpusmill: Command, tmp_path: Path):
    assert corpusmill("clean", tmp_path)[0] == 1
    assert list(tmp_path.iterdir()) == []


@pytest.fixture(scope="module")
def attributed_folder(recipe_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A build of the first step that keeps what its rules measure."""
    output = tmp_path_factory.mktemp("attributed") / "out"
    recipe = load_recipe(recipe_file, catalogue(), ["documents.attribution=true"])
    recipe = recipe.model_copy(update={"steps": recipe.steps[:1]})
    run_prepared(prepare(recipe, recipe_file.parent), output, LocalRunner(), Execution(), [].append)
    return output


def test_attribution_counts_rules_and_overlaps(corpusmill: Command, attributed_folder: Path, finished_folder: Path):
    code, out, _ = corpusmill("attribution", attributed_folder, "--rules")
    assert code == 0
    assert "step documents: 6 documents judged, 2 (33.3%) break a rule" in out
    assert "gopher_quality/too_few_words" in out
    assert "Documents that both would remove:" in out
    assert "10 gopher_quality/too_few_stop_words" in " ".join(out.split())
    code, out, _ = corpusmill("attribution", attributed_folder, "documents", "--json")
    (found,) = json.loads(out)
    assert [rule["removed"] for rule in found["rules"]] == [2, *[0] * 9]
    assert found["operators"] == ["gopher_quality"]
    code, _, err = corpusmill("attribution", finished_folder)
    assert code == 2
    assert "no step of this run keeps values; run it with `attribution: true`" in err
    code, _, err = corpusmill("attribution", attributed_folder, "exact")
    assert code == 2
    assert "step 'exact' keeps no values; " in err


def test_whatif_tells_who_would_change_sides(corpusmill: Command, attributed_folder: Path, finished_folder: Path):
    setting = "documents.gopher_quality.min_words=3"
    code, out, _ = corpusmill("whatif", attributed_folder, setting)
    assert code == 0
    assert "documents: gopher_quality.min_words = 3 instead of 8" in out
    assert "kept: 5 of 6 documents instead of 4" in out
    assert "dropped in the run, kept with the new settings: 1, " in out
    assert "kept in the run, dropped with the new settings: 0, " in out
    assert "(list)" in out
    assert "exact: a run would keep just these" in out
    code, out, _ = corpusmill("whatif", attributed_folder, "documents.gopher_quality.min_words=20", "--json")
    (answer,) = json.loads(out)
    assert (answer["is_exact"], answer["kept_after"], answer["lost"]["rows"]) == (True, 3, 1)
    assert answer["lost"]["examples"][0][1] == "other"
    code, _, err = corpusmill("whatif", finished_folder, setting)
    assert code == 2
    assert "run it with `attribution: true`" in err


@pytest.fixture
def unfinished_folder(attributed_folder: Path, tmp_path: Path) -> Path:
    """The run with values, as it was before its first step was done."""
    output = tmp_path / "unfinished"
    shutil.copytree(attributed_folder, output)
    recorded = json.loads((output / "run.json").read_text())
    recorded["steps"][0]["folder"] = None
    (output / "run.json").write_text(json.dumps(recorded))
    return output


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("attribution",), 2, "no step of this run keeps values; steps that are not finished: ['documents']; run the "),
        (
            ("attribution", "documents"),
            2,
            "step 'documents' keeps no values; steps that are not finished: ['documents']",
        ),
        (("whatif", "documents.gopher_quality.min_words=3"), 2, "does not; steps that are not finished: ['documents']"),
        (
            ("explain", "short"),
            1,
            "expected a finished step that reads sources; found none; not finished: ['documents']; run the recipe to ",
        ),
    ],
)
def test_a_step_that_is_not_finished_is_told_as_such(
    arguments: tuple[str, ...], code: int, told: str, corpusmill: Command, unfinished_folder: Path
):
    command, *rest = arguments
    ended, _, err = corpusmill(command, unfinished_folder, *rest)
    assert ended == code
    assert told in err
