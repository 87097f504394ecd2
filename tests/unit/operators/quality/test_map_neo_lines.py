import pytest
from pydantic import ValidationError

from operators.quality.full_width_to_half_width import FullWidthToHalfWidth
from operators.quality.map_neo_lines import MapNeoLines
from operators.quality.map_neo_links import MapNeoLinks
from pipeline.operator import FileRef
from tests.unit.operators.quality.map_neo_golden import batch_of, digest, edited, golden_documents, golden_rows


def without_blank_lines(text):
    """The reference knows no line feed behind the last line."""
    return "\n".join(line for line in text.split("\n") if line)


def test_lines_are_those_of_the_reference():
    rows = golden_rows()
    found = edited(MapNeoLines(), [row["without_links"] for row in rows])
    assert [without_blank_lines(text) for text in found] == [row["lines"] for row in rows]


def test_lines_of_documents_are_those_of_the_reference():
    rows, texts = golden_documents()
    found = edited(MapNeoLines(), edited(MapNeoLinks(), edited(FullWidthToHalfWidth(), texts)))
    assert [digest(without_blank_lines(text)) for text in found] == [row["lines"] for row in rows]


def test_what_is_left_stays_and_sizes_count_lines_by_rule():
    texts = ["标题\n今天天气很好.\r\n\n明天天气更好.\n", "今天天气很好.\n好.", "今天天气很好.", ""]
    edits = MapNeoLines().open()(batch_of(texts))
    assert edits.columns.column(0).to_pylist() == [
        "今天天气很好.\r\n明天天气更好.\n", "今天天气很好.", "今天天气很好.", "",
    ]  # fmt: skip
    assert edits.sizes.tolist() == [[1, 1, 0, 0, 0, 0], [0, 0, 0, 1, 0, 0], [0] * 6, [0] * 6]


def test_bad_words_are_read_from_a_file(tmp_path):
    (tmp_path / "words.txt").write_text("可恶\n\n糟糕\n")
    operator = MapNeoLines(bad_words=FileRef(uri="words.txt").pin(tmp_path / "words.txt"))
    edits = operator.open()(batch_of(["今天的天气真的很糟糕.\n今天天气很好.\n"]))
    assert edits.columns.column(0).to_pylist() == ["今天天气很好.\n"]
    assert edits.sizes.tolist() == [[0, 0, 0, 0, 0, 1]]


@pytest.mark.parametrize("fields", [{"end_marks": ("..",)}, {"end_marks": (".", ".")}, {"word_unit": "whitespace"}])
def test_other_settings_are_refused(fields):
    with pytest.raises(ValidationError, match="expected"):
        MapNeoLines(**fields)
