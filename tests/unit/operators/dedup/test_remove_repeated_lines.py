import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from operators.dedup.remove_repeated_lines import RemoveRepeatedLines
from pipeline.document import TEXT_TYPE
from tests.line_oracle import PIECES, repeated, without

TEXTS = st.lists(st.lists(st.sampled_from(PIECES), max_size=14).map("".join), max_size=5)


def edits_of(texts, *, is_code=None, **settings):
    columns = {"text": pa.array(texts, TEXT_TYPE)}
    if is_code is not None:
        columns["is_code"] = pa.array(is_code, pa.bool_())
        settings["code_column"] = "is_code"
    return RemoveRepeatedLines(**settings).open()(pa.record_batch(columns))


@pytest.mark.parametrize("unit", ["line", "paragraph"])
@given(texts=TEXTS, min_words=st.integers(1, 4))
def test_all_but_the_first_of_equal_units_of_a_document_go(unit, texts, min_words):
    edits = edits_of(texts, unit=unit, min_words=min_words)
    gone = [repeated([text], unit, min_words=min_words).get(0, []) for text in texts]
    assert edits.columns["text"].to_pylist() == [
        without(text, ordinals, unit) if ordinals else text for text, ordinals in zip(texts, gone, strict=True)
    ]
    assert edits.edited.tolist() == [bool(ordinals) for ordinals in gone]
    assert edits.sizes[:, 0].tolist() == [len(ordinals) for ordinals in gone]


@given(texts=TEXTS)
def test_a_second_time_nothing_goes(texts):
    once = edits_of(texts, min_words=1).columns["text"].to_pylist()
    assert not edits_of(once, min_words=1).edited.any()


def test_each_document_is_its_own():
    text = "the same five words here\n"
    assert not edits_of([text, text]).edited.any()


def test_headings_code_and_documents_of_code_stay():
    heading = "## See also\n" * 2
    fenced = "```\nfor word in words of it:\n```\n" * 2
    line = "this line has five words\n" * 2
    texts = [heading, fenced, line, line, line]
    edits = edits_of(texts, is_code=[False, False, True, False, None])
    assert edits.edited.tolist() == [False, False, False, True, True]
    assert edits.columns["text"].to_pylist() == [heading, fenced, line, *["this line has five words\n"] * 2]


def test_the_rule_names_the_unit():
    assert RemoveRepeatedLines().rules() == ("repeated_lines",)
    assert RemoveRepeatedLines(unit="paragraph").rules() == ("repeated_paragraphs",)
