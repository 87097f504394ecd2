import pickle

import numpy as np
import pyarrow as pa
import pytest
from pydantic import ValidationError

from operators.text.statistics import STATISTICS, TEXT_STATISTICS, WORD_STATISTICS
from operators.text.text_statistics import TextStatistics
from operators.text.word_unit import WordUnit


def batch_of(texts, languages=None):
    columns = {"text": pa.array(texts, pa.large_string())}
    if languages is not None:
        columns["language"] = pa.array(languages, pa.large_string())
    return pa.RecordBatch.from_pydict(columns)


def test_columns_say_what_they_count_and_what_their_value_depends_on():
    operator = TextStatistics(
        statistics=("num_words", "num_short_text_lines", "num_stop_words", "word_entropy", "num_chars"),
        word_unit="treebank",
        stop_words=("the", "of"),
        short_line_chars=20,
    )
    schema = operator.adds()
    stop_words = schema.names[2]
    assert schema.names == [
        "treebank.num_words", "text.num_short_text_lines.20", stop_words, "treebank.word_entropy", "text.num_chars"
    ]  # fmt: skip
    assert stop_words.startswith("treebank.num_stop_words.")
    assert [str(kind) for kind in schema.types] == ["int64", "int64", "int64", "double", "int64"]
    assert operator.model_copy(update={"stop_words": ("of", "the")}).column("num_stop_words") == stop_words
    assert operator.model_copy(update={"stop_words": ("of", "a")}).column("num_stop_words") != stop_words
    found = operator.open()(batch_of(["The end of it, they said.\n" + "x" * 21, ""]))
    assert found.schema == schema
    assert found.to_pydict() | {"treebank.word_entropy": None} == {
        "treebank.num_words": [9, 0],
        "text.num_short_text_lines.20": [0, 0],
        stop_words: [1, 0],
        "treebank.word_entropy": None,
        "text.num_chars": [47, 0],
    }


def test_every_statistic_can_be_asked_for():
    operator = pickle.loads(pickle.dumps(TextStatistics(statistics=tuple(STATISTICS), stop_words=("the",))))
    found = operator.open()(batch_of(["the cat", ""]))
    assert found.schema == operator.adds()
    assert not any(column.null_count for column in found.columns)


def test_documents_of_other_languages_are_not_counted():
    operator = TextStatistics(statistics=("num_chars", "word_entropy"), languages=("en", "de"))
    assert operator.requires().names == ["text", "language"]
    assert operator.adds().field(0).nullable
    batch = batch_of(["a", "b b", "ccc", "d e"], ["en", "fr", None, "de"])
    assert operator.open()(batch).to_pydict() == {
        "text.num_chars": [1, None, None, 3],
        "whitespace.word_entropy": [0.0, None, None, np.log(2)],
    }
    none = operator.open()(batch_of(["a"], ["fr"]))
    assert none.to_pydict() == {"text.num_chars": [None], "whitespace.word_entropy": [None]}


def statistics(*names, **settings):
    return TextStatistics(statistics=names, **settings)


def test_two_that_agree_are_counted_in_one_pass():
    words = statistics("num_words", "num_chars")
    stop_words = statistics("num_stop_words", "num_chars", stop_words=("the",))
    merged = words.merged(stop_words)
    assert merged == statistics("num_words", "num_chars", "num_stop_words", stop_words=("the",))
    assert set(merged.adds().names) == {*words.adds().names, *stop_words.adds().names}
    assert words.merged(words) == words


def test_settings_matter_only_to_what_depends_on_them():
    chars = statistics("num_chars", word_unit="treebank")
    short = statistics("num_short_text_lines", short_line_chars=9)
    assert chars.merged(short) == statistics("num_chars", "num_short_text_lines", short_line_chars=9)
    treebank = statistics("num_words", word_unit="treebank")
    both = statistics("num_words", "num_short_text_lines", word_unit="treebank", short_line_chars=9)
    assert treebank.merged(both) == both


def test_lines_are_not_counted_together_with_words():
    """So that those who drop documents by their lines need not wait for the words."""
    words, lines = statistics("num_words"), statistics("num_lines")
    assert words.merged(lines) is None
    assert lines.merged(words) is None


def test_a_group_of_statistics_keeps_the_settings_that_it_needs():
    both = statistics("num_words", "num_short_text_lines", word_unit="treebank", short_line_chars=9, languages=("en",))
    assert both.only(WORD_STATISTICS) == statistics("num_words", word_unit="treebank", languages=("en",))
    assert both.only(TEXT_STATISTICS) == statistics("num_short_text_lines", short_line_chars=9, languages=("en",))
    assert statistics("num_words").only(TEXT_STATISTICS) is None


@pytest.mark.parametrize(
    "other",
    [
        statistics("num_content_words", word_unit="treebank"),
        statistics("num_words", "num_short_text_lines", short_line_chars=9),
        statistics("num_stop_words", stop_words=("of",)),
        statistics("num_words", languages=("en",)),
    ],
)
def test_two_that_disagree_are_not(other):
    first = statistics("num_words", "num_short_text_lines", "num_stop_words", stop_words=("the",))
    assert first.merged(other) is None
    assert other.merged(first) is None


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"statistics": ("words",)}, "expected names of statistics; found \\['words'\\]; known: "),
        ({"statistics": ()}, "statistics"),
        ({"statistics": ("num_words", "num_words")}, "expected distinct names"),
        ({"statistics": ("num_stop_words",)}, "expected words, as statistics of stop words are asked for"),
        ({"statistics": ("num_words",), "stop_words": ("the",)}, "expected none, as no statistic needs them"),
        ({"statistics": ("num_stop_words",), "stop_words": ("of the",)}, "without whitespace"),
        ({"statistics": ("num_words",), "word_unit": "letters"}, "word_unit"),
        ({"statistics": ("num_words",), "short_line_chars": -1}, "short_line_chars"),
    ],
)
def test_wrong_configuration_is_refused(settings, message):
    with pytest.raises(ValidationError, match=message):
        TextStatistics(**settings)


def test_a_word_takes_a_byte_so_that_counts_never_exceed_bytes():
    text = "((((a.b)))) don't... #1 “x”\n" * 3
    for unit in WordUnit.__args__[:2]:
        (count,) = statistics("num_words", word_unit=unit).open()(batch_of([text])).column(0).to_pylist()
        assert len(text.split()) <= count <= len(text.encode())
