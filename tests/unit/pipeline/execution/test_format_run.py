"""What a worker leaves of a shard in a trainer's format, and what it refuses."""

import json

import pyarrow as pa
import pytest

from pipeline.artifact import LEDGER
from pipeline.errors import OperatorError
from pipeline.execution.stage_task import StageWorker
from pipeline.execution.work import Execution
from tests.sample_operators import LongEnough, TextFiles, TextLength
from tests.unit.pipeline.execution.stages import spec, unit, view_shard

TEXTS = ["alpha", "b", "beta", "", "gamma"]
SCHEMA = pa.schema([pa.field("num_chars", pa.int64(), nullable=False), pa.field("text", pa.large_string())])


def written(tmp_path, *operators, texts=TEXTS, batch_rows=2):
    source = view_shard(tmp_path / "view", texts)
    schema = pa.schema([SCHEMA.field(0), pa.field("text", source_type(tmp_path), nullable=False)])
    stage = spec(tmp_path, operators, kind="files", schema=schema, execution=Execution(batch_rows=batch_rows))
    (record,) = StageWorker(stage).run(unit(source))
    return stage.folder.path, record


def source_type(tmp_path):
    return pa.parquet.read_schema(tmp_path / "view").field("text").type


@pytest.mark.parametrize("batch_rows", [1, 2, 1024])
def test_files_are_named_by_content_and_counted(tmp_path, batch_rows):
    folder, record = written(tmp_path, TextLength(), TextFiles(), batch_rows=batch_rows)
    assert sorted(record.files) == ["files/part.json", "files/texts.jsonl"]
    texts, part = record.files["files/texts.jsonl"], record.files["files/part.json"]
    assert texts.name == f"files/00000-{texts.digest}-texts.jsonl"
    assert [json.loads(line) for line in (folder / texts.name).read_text().splitlines()] == TEXTS
    assert (folder / texts.name).stat().st_size == texts.num_bytes
    assert json.loads((folder / part.name).read_text()) == {"num_lines": 5}
    assert record.counts == {
        "rows_read": 5, "rows_kept": 5, "rows_dropped": 0, "rows_quarantined": 0, "rows_edited": 0, "rows_written": 5,
        "conserved_in": 15, "conserved_out": 15, "conserved_cut": 0,
    }  # fmt: skip
    assert list((tmp_path / "tmp").iterdir()) == []


def test_rows_that_leave_on_the_way_are_in_the_ledger(tmp_path):
    _, record = written(tmp_path, LongEnough(min_chars=4), TextLength(), TextFiles())
    assert record.counts["rows_dropped"] == record.files[LEDGER].num_rows == 2
    assert record.counts["rows_written"] == record.counts["rows_kept"] == 3
    assert record.counts["conserved_in"] == 14


def test_a_shard_without_rows_has_files_too(tmp_path):
    folder, record = written(tmp_path, TextLength(), TextFiles(), texts=[])
    assert (folder / record.files["files/texts.jsonl"].name).read_bytes() == b""
    assert record.counts["rows_written"] == record.counts["conserved_out"] == 0


def test_what_the_files_lack_shows_in_the_counts(tmp_path):
    """The counts come from the files, so the driver sees what a writer lost."""
    _, record = written(tmp_path, TextLength(), TextFiles(loses=1))
    assert (record.counts["conserved_in"], record.counts["conserved_out"]) == (15, 11)


def test_a_writer_that_leaves_rows_behind_is_refused(tmp_path):
    with pytest.raises(OperatorError, match=r"expected it to write all rows of its shard; found more after its end"):
        written(tmp_path, TextLength(), TextFiles(max_batches=1))
    assert list((tmp_path / "tmp").iterdir()) == []


class Folders(TextFiles):
    """Leaves a folder."""

    name = "folders"

    def open(self):
        def write(batches, folder):
            list(batches)
            (folder / "inside").mkdir()

        return write


class Failing(TextFiles):
    """Quotes a document in its error."""

    name = "failing"

    def open(self):
        def write(batches, _):
            raise ValueError(next(batches).to_pylist())

        return write


def test_a_writer_leaves_no_folders(tmp_path):
    with pytest.raises(OperatorError, match=r"expected files and no folders; found \['inside'\]"):
        written(tmp_path, TextLength(), Folders())


def test_an_error_of_a_writer_quotes_no_document(tmp_path):
    with pytest.raises(OperatorError, match=r"^operator failing: failed on a shard: ValueError") as caught:
        written(tmp_path, TextLength(), Failing())
    assert "alpha" not in str(caught.value)
