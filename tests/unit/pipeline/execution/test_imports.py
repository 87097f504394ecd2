"""Artifacts of other runs: found, described, identified by content, and refused."""

import json
from pathlib import Path

import pyarrow as pa
import pytest

from pipeline.artifact import DATA
from pipeline.errors import PlanError, StorageError
from pipeline.execution.imports import ImportedArtifact, check_import_files, find_import
from pipeline.plan.logical import ArtifactKind, Import, Step, View
from pipeline.run import run_recipe
from tests.corpus import write_files
from tests.sample_operators import CountRows, TextLength
from tests.small import read, small_files

MORE = (
    Step(name="lengths", view=View(base="documents"), nodes=(TextLength(),), write=ArtifactKind.COLUMNS),
    Step(name="count", view=View(base="documents"), nodes=(CountRows(),), write=ArtifactKind.MODEL),
)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    inputs = write_files(tmp_path / "in", small_files(num_documents=12, num_files=2))
    run_recipe(read(more=MORE), tmp_path / "run", directory=inputs)
    return tmp_path / "run"


def found(run: Path, step: str = "documents") -> ImportedArtifact:
    return find_import("old", Import(run=run.name, step=step), run.parent)


def data_file(found: ImportedArtifact) -> Path:
    return Path(str(found.manifest.path(0, DATA)))


def test_an_import_has_the_columns_of_its_files(run: Path) -> None:
    documents = found(run)
    assert documents.checked.output_schema.field("text").type == pa.large_string()
    assert documents.checked.output_schema.field("doc_id") == pa.field("doc_id", pa.binary(16), nullable=False)
    assert list(documents.manifest.columns) == documents.checked.output_schema.names
    check_import_files(documents)
    model = found(run, "count")
    assert (model.checked.step.write, model.checked.output_schema) == (ArtifactKind.MODEL, pa.schema([]))
    check_import_files(model)


def test_identity_is_content_and_not_place(run: Path) -> None:
    before = found(run)
    assert before.identity.num_shards == len(before.manifest.shards)
    assert found(run.rename(run.with_name("moved"))).identity == before.identity
    moved = run.with_name("moved")
    path = moved / before.manifest.folder.relative_to(run) / "manifest.json"
    digest = before.manifest.shards[0].files[DATA].digest
    path.write_text(path.read_text().replace(f'"digest": "{digest}"', '"digest": "0"'))
    assert found(moved).identity.fingerprint != before.identity.fingerprint
    assert found(moved).identity.shards[1:] == before.identity.shards[1:]


def test_what_cannot_be_imported_is_refused(run: Path) -> None:
    with pytest.raises(PlanError, match=r"^imports.old: run 'run' has no step 'near'; steps: \['count', 'documents', "):
        found(run, "near")
    with pytest.raises(PlanError, match=r"^imports.old: expected \['documents', 'model', 'table'\]; .* writes columns"):
        found(run, "lengths")
    with pytest.raises(StorageError, match=r"^imports.old: run '.*other': expected an output folder"):
        found(run.with_name("other"))
    recorded = json.loads((run / "run.json").read_text())
    recorded["steps"][0]["folder"] = None
    (run / "run.json").write_text(json.dumps(recorded))
    with pytest.raises(StorageError, match=r"^imports.old: expected step 'documents' of run 'run' to be finished"):
        found(run)


def test_files_that_are_not_as_they_were_left_are_refused(run: Path) -> None:
    documents = found(run)
    whole = bytearray(data_file(documents).read_bytes())
    whole[20] ^= 1
    data_file(documents).write_bytes(whole)
    with pytest.raises(StorageError, match=r"^imports.old: file '.*': expected digest \w+, .*; found \w+; restore"):
        check_import_files(found(run))
    data_file(documents).write_bytes(whole[:-1])
    with pytest.raises(StorageError, match=r"expected \d+ bytes, as step 'documents' left it; found \d+ bytes"):
        found(run)
    data_file(documents).unlink()
    with pytest.raises(StorageError, match=r"as step 'documents' left it; found no file"):
        found(run)
