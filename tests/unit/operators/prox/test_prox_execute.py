import pyarrow as pa
import pytest

from operators.prox.execution_rules import ExecutionRules
from operators.prox.programs import PROGRAMS_TYPE
from operators.prox.prox_execute import ProxExecute
from pipeline.document import TEXT_TYPE


def entry(last_line, program, first_line=0, *, is_cut=False):
    return {"first_line": first_line, "last_line": last_line, "program": program, "is_cut": is_cut}


def batch_of(rows):
    texts, programs = zip(*rows, strict=True)
    return pa.record_batch({"text": pa.array(texts, TEXT_TYPE), "prox_programs": pa.array(programs, PROGRAMS_TYPE)})


ROWS = [
    ("menu\nprose that stays", [entry(1, "remove_lines(start=0, end=0)")]),
    ("untouched é", None),
    ("", []),
    ("a\nb b b\nc", [entry(1, "normalize('b', 'd')"), entry(2, "remove_lines(2, 2)", 2)]),
    ("void\nrow", [entry(1, "remove_lines(0, 0)\nnonsense\nnonsense")]),
    ("kept\nrow", [entry(1, "untouch_doc()")]),
]


@pytest.mark.parametrize("offset", [0, 1])
def test_rows_are_edited_as_their_programs_say(offset):
    batch = batch_of(ROWS).slice(offset)
    edits = ProxExecute().open()(batch)
    edits.columns.validate(full=True)
    assert edits.columns.schema == batch.schema
    expected = ["prose that stays", "untouched é", "", "a\nd d d", "void\nrow", "kept\nrow"]
    assert edits.columns["text"].to_pylist() == expected[offset:]
    assert edits.sizes.tolist() == [[1, 0], [0, 0], [0, 0], [1, 3], [0, 0], [0, 0]][offset:]
    done = [[] if number in (0, 3) else programs for number, (_, programs) in enumerate(ROWS)]
    assert edits.columns["prox_programs"].to_pylist() == done[offset:]


def test_programs_edit_once():
    once = ProxExecute().open()(batch_of(ROWS))
    assert not ProxExecute().open()(once.columns).edited.any()


def test_batches_without_edits_stay_as_they_are():
    batch = batch_of([row for row in ROWS if not row[1]])
    columns = ProxExecute().open()(batch).columns
    assert columns.equals(batch)
    assert [buffer.address for buffer in columns["text"].buffers() if buffer] == [
        buffer.address for buffer in batch["text"].buffers() if buffer
    ]


def test_the_published_mode_reads_as_the_released_code():
    batch = batch_of([("a, b\nprose", [entry(1, 'normalize(source_str="a, b", target_str="")\nremove_lines(0, 0)')])])
    assert ProxExecute().open()(batch).columns["text"].to_pylist() == ["prose"]
    published = ProxExecute(execution=ExecutionRules(mode="published"))
    assert published.open()(batch).columns["text"].to_pylist() == ["a, b\nprose"]


def test_programs_of_another_text_are_refused():
    with pytest.raises(ValueError, match="expected a text with a line 9; found 2 lines"):
        ProxExecute().open()(batch_of([("a\nb", [entry(9, "keep_chunk()")])]))
