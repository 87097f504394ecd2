# ruff: noqa: RUF001 -- look-alike characters are what the rules are about
from operators.quality.full_width_to_half_width import FullWidthToHalfWidth
from tests.unit.operators.quality.map_neo_golden import batch_of, digest, edited, golden_documents, golden_rows


def test_marks_are_those_of_the_reference():
    rows = golden_rows()
    assert edited(FullWidthToHalfWidth(), [row["text"] for row in rows]) == [row["half_width"] for row in rows]


def test_documents_are_those_of_the_reference():
    rows, texts = golden_documents()
    assert [digest(text) for text in edited(FullWidthToHalfWidth(), texts)] == [row["half_width"] for row in rows]


def test_the_size_is_the_number_of_marks():
    edits = FullWidthToHalfWidth().open()(batch_of(["好。“行”！", "ok.", "", "ＡＢ１．、"]))
    assert edits.sizes.tolist() == [[4], [0], [0], [0]]
    assert edits.columns.column(0).to_pylist() == ['好."行"!', "ok.", "", "ＡＢ１．、"]
