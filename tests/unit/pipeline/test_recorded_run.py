"""A run found again by its folder: its steps, and the imports that still lie where they were."""

import json
import shutil
from pathlib import Path

import pytest

from pipeline.errors import StorageError
from pipeline.plan.logical import ArtifactKind, Import, Recipe, Source, Step, View
from pipeline.recorded_run import RecordedImport, load_run, step_folder
from pipeline.run import run_recipe
from tests.corpus import Record, jsonl


@pytest.fixture
def inputs(tmp_path: Path) -> Path:
    (tmp_path / "a.jsonl").write_bytes(jsonl([Record("n1", "A text.").line()]))
    return tmp_path


def build(inputs: Path, name: str, imports: dict[str, Import]) -> Path:
    """A run whose step has the rows of its imports behind it."""
    first = Step(name="documents", view=View(sources=("docs",)), write=ArtifactKind.DOCUMENTS)
    both = Step(
        name="both",
        view=View(base="documents", against=tuple(imports)),
        write=ArtifactKind.TABLE,
        columns=("doc_id", "text"),
    )
    sources = {"docs": Source(paths=("a.jsonl",))}
    run_recipe(
        Recipe(name=name, sources=sources, imports=imports, steps=(first, both)), inputs / name, directory=inputs
    )
    return inputs / name


def test_steps_and_imports_are_listed(inputs: Path) -> None:
    old = build(inputs, "first", {})
    new = load_run(build(inputs, "second", {"old": Import(run="first", step="documents")}))
    assert [(step.step, step.against) for step in new.steps] == [("documents", ()), ("both", ("old",))]
    fingerprint = load_run(old).manifests()["documents"].fingerprint
    assert new.imports == (RecordedImport("old", "documents", fingerprint),)
    assert new.imported() == {"old": load_run(old).manifests()["documents"]}
    assert new.manifests()["both"].total("rows_read") == 2
    shutil.rmtree(old)
    assert new.imported() == {}


def test_a_step_without_a_manifest_is_unfinished(inputs: Path) -> None:
    run = load_run(build(inputs, "first", {}))
    assert run.unfinished() == ()
    shutil.rmtree(run.output / str(run.steps[1].folder))
    assert run.unfinished() == ("both",)


def test_where_an_import_lay_is_in_the_log_alone(inputs: Path) -> None:
    build(inputs, "first", {})
    new = build(inputs, "second", {"old": Import(run="first", step="documents")})
    assert str(inputs) not in (new / "run.json").read_text()
    assert json.loads((new / "logs/run.json").read_text())["imports"] == {"old": str(inputs / "first")}


def test_a_log_of_another_version_says_nothing_of_sources(inputs: Path) -> None:
    run = build(inputs, "first", {})
    path = run / "logs/run.json"
    log = json.loads(path.read_text())
    del log["sources"]["docs"]["max_expansion"]
    path.write_text(json.dumps(log))
    assert load_run(run).sources() == {}


def test_a_folder_without_a_run_is_none(tmp_path: Path) -> None:
    assert step_folder(tmp_path, "documents") is None
    with pytest.raises(StorageError, match=r"expected an output folder of `corpusmill run`, with run.json in it"):
        load_run(tmp_path)


def test_a_step_has_its_folder(inputs: Path) -> None:
    run = build(inputs, "first", {})
    assert step_folder(run, "documents") == load_run(run).manifests()["documents"].folder
    assert step_folder(run, "near") is None
