"""Files of operators that are artifacts of other steps."""

from pathlib import Path

import pytest

from pipeline.artifact import FileRecord, Manifest, ShardRecord
from pipeline.errors import PlanError, StorageError
from pipeline.execution.commit import file_digest
from pipeline.execution.prepare import pin_step_files
from pipeline.operator import FileRef
from pipeline.plan.logical import ArtifactKind
from tests.unit.pipeline.sample_operators import ByFile


@pytest.fixture
def left(tmp_path: Path) -> Manifest:
    """What a step that trains something left: one file."""
    path = tmp_path / "model" / "00000-abc-words.txt"
    path.parent.mkdir()
    path.write_text("the words")
    file = FileRecord("model/00000-abc-words.txt", 0, 9, file_digest(path))
    shard = ShardRecord(0, "f", {"words.txt": file}, {})
    return Manifest("trained", ArtifactKind.MODEL, "f", None, None, (), {}, (shard,), tmp_path)


def test_a_file_of_a_step_is_bound_to_what_the_step_left(left: Manifest):
    (pinned,) = pin_step_files((ByFile(words=FileRef(uri="step:trained/words.txt")),), {"trained": left})
    assert pinned.words.open_path().read_text() == "the words"
    here = FileRef(uri="here.txt")
    (pinned,) = pin_step_files(
        (ByFile(words=here, lists=(here, FileRef(uri="step:trained/words.txt"))),), {"trained": left}
    )
    assert [file.path is None for file in (pinned.words, *pinned.lists)] == [True, True, False]


def test_a_file_that_the_step_did_not_leave_is_refused(left: Manifest):
    with pytest.raises(PlanError, match=r"left no such file; files: \['words.txt'\]"):
        pin_step_files((ByFile(words=FileRef(uri="step:trained/other.txt")),), {"trained": left})


def test_a_file_that_is_no_longer_what_the_step_left_is_refused(left: Manifest):
    path = left.folder / left.shards[0].files["words.txt"].name
    path.write_text("other words")
    with pytest.raises(StorageError, match="has another content; remove the step's folder and run again"):
        pin_step_files((ByFile(words=FileRef(uri="step:trained/words.txt")),), {"trained": left})
    path.unlink()
    with pytest.raises(StorageError, match="it is gone"):
        pin_step_files((ByFile(words=FileRef(uri="step:trained/words.txt")),), {"trained": left})
