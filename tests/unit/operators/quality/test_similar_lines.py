# ruff: noqa: RUF001 -- look-alike characters are what the rules are about
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from operators.quality.similar_lines import SimilarLines
from tests.unit.operators.quality.map_neo_golden import batch_of, digest, edited, golden_documents, golden_rows

BASE = "日本军队再次激战战役结束后机场被彻底破坏居民及士兵惨遭杀害这一年来"


def test_texts_are_those_of_the_reference():
    rows = [row for row in golden_rows() if row["similar"] is not None]
    assert edited(SimilarLines(), [row["without_links"] for row in rows]) == [row["similar"] for row in rows]


def test_documents_are_those_of_the_reference():
    from operators.quality.full_width_to_half_width import FullWidthToHalfWidth  # noqa: PLC0415
    from operators.quality.map_neo_links import MapNeoLinks  # noqa: PLC0415

    rows, texts = golden_documents()
    found = edited(SimilarLines(), edited(MapNeoLinks(), edited(FullWidthToHalfWidth(), texts)))
    compared = [(text, row["similar"]) for text, row in zip(found, rows, strict=True) if row["similar"] is not None]
    assert compared
    assert [digest(text) for text, _ in compared] == [expected for _, expected in compared]


def sentences_of(text):
    found, begin = [], 0
    for i, character in enumerate(text):
        if character in "[【":
            found, begin = [*found, text[begin:i]], i
        elif character in ".!?\\]…。】！？":
            found, begin = [*found, text[begin : i + 1]], i + 1
    return [sentence for sentence in [*found, text[begin:]] if sentence]


def distance(first, second):
    row = list(range(len(second) + 1))
    for i, a in enumerate(first, 1):
        previous, row[0] = row[0], i
        for j, b in enumerate(second, 1):
            previous, row[j] = row[j], min(previous + (a != b), row[j] + 1, row[j - 1] + 1)
    return row[-1]


def by_definition(text, fraction):
    kept = []
    for sentence in sentences_of(text):
        for other in kept:
            sizes = len(sentence), len(other)
            if sentence == other or (min(sizes) > 15 and distance(sentence, other) <= fraction * max(sizes)):
                break
        else:
            kept.append(sentence)
    return "".join(kept)


@st.composite
def sentences(draw):
    characters = list((BASE * 2)[: draw(st.sampled_from([3, 14, 15, 16, 20, 30, 40]))])
    for _ in range(draw(st.integers(0, 5))):
        place = draw(st.integers(0, len(characters) - 1))
        characters[place : place + draw(st.integers(0, 1))] = draw(st.sampled_from(["甲", "乙", ""]))
        characters = characters or ["甲"]
    return "".join(characters) + draw(st.sampled_from(".!?。…]】\\["))


@settings(deadline=None, derandomize=True, max_examples=200)
@given(st.lists(st.lists(sentences(), max_size=8).map("".join), max_size=3), st.sampled_from([0.0, 0.1, 0.2]))
def test_sentences_that_stay_are_those_of_the_definition(texts, fraction):
    found = edited(SimilarLines(max_distance_fraction=fraction), texts)
    assert found == [by_definition(text, fraction) for text in texts]


def test_equal_sentences_go_beyond_the_window_and_similar_ones_within():
    others = "".join(f"{BASE[i:]}{BASE[:i]}。" for i in (7, 14, 21))
    text = f"{BASE}。{others}{BASE}。{BASE[:-1]}甲。"
    assert edited(SimilarLines(window=4), [text]) == [f"{BASE}。{others}"]
    assert edited(SimilarLines(window=3), [text]) == [f"{BASE}。{others}{BASE[:-1]}甲。"]
    assert edited(SimilarLines(max_compared_chars=20), [text]) == [f"{BASE}。{others}{BASE[:-1]}甲。"]


def test_the_size_is_the_number_of_sentences():
    edits = SimilarLines().open()(batch_of(["一。一。二。一。", "", "一"]))
    assert edits.sizes.tolist() == [[2], [0], [0]]
    assert edits.columns.column(0).to_pylist() == ["一。二。", "", "一"]


@pytest.mark.parametrize(
    "text", ["。" * 300_000, "一" * 300_000, (BASE + "。") * 8_000, "一二三四五六七八九十甲乙丙丁戊己庚辛[" * 9_000]
)
def test_long_texts_take_linear_time(text):
    assert len(edited(SimilarLines(), [text])[0]) <= len(text)


@pytest.mark.parametrize("fields", [{"max_distance_fraction": 0.3}, {"window": 0}, {"max_compared_chars": 0}])
def test_other_settings_are_refused(fields):
    with pytest.raises(ValidationError):
        SimilarLines(**fields)
