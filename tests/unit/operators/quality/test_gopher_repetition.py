import json
import pickle
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pydantic import ValidationError

from operators.quality.gopher_repetition import GopherRepetition
from operators.text.ngram_statistics import LONG_NGRAM_WORDS, TOP_NGRAM_WORDS
from operators.text.text_statistics import TextStatistics
from pipeline.execution.row_pass import open_alone

GOLDEN = Path(__file__).parents[3] / "golden" / "gopher" / "expected.jsonl"

RULE_OF_REFERENCE = {
    "empty": "empty_text",
    "dup_para_frac": "duplicate_paragraphs",
    "dup_para_char_frac": "duplicate_paragraph_chars",
    "dup_line_frac": "duplicate_lines",
    "dup_line_char_frac": "duplicate_line_chars",
    **{f"top_{n}_gram": f"top_{n}_word_ngram" for n in (2, 3, 4)},
    **{f"duplicated_{n}_n_grams": f"duplicate_{n}_word_ngrams" for n in range(5, 11)},
}

STATISTICS = (
    "num_chars",
    "num_paragraphs",
    "num_duplicate_paragraphs",
    "duplicate_paragraph_chars",
    "num_run_lines",
    "num_duplicate_run_lines",
    "duplicate_run_line_chars",
    *(f"top_{n}_gram_chars" for n in TOP_NGRAM_WORDS),
    *(f"duplicate_{n}_gram_chars" for n in LONG_NGRAM_WORDS),
)
"""In the order of the golden rows."""


@pytest.fixture(scope="module")
def golden():
    rows = [json.loads(line) for line in GOLDEN.read_text(encoding="utf-8").splitlines()]
    return [row | {"text": "".join(piece * count for piece, count in row["pieces"])} for row in rows]


def batch_of(texts):
    return pa.record_batch([pa.array(texts, pa.large_string())], names=["text"])


def dropped_by(operator, texts):
    verdicts = open_alone(operator)(batch_of(texts))
    return [None if keep else operator.rules()[rule] for keep, rule in zip(verdicts.keep, verdicts.rule, strict=True)]


def test_statistics_are_those_of_the_reference(golden):
    found = TextStatistics(statistics=STATISTICS).open()(batch_of([row["text"] for row in golden]))
    for row, counts in zip(golden, zip(*found.columns, strict=True), strict=True):
        expected = row["repetition"]
        expected = [*list(expected.values())[:7], *expected["top_ngram_chars"], *expected["duplicate_ngram_chars"]]
        assert [count.as_py() for count in counts] == expected, row["name"]


def test_decisions_are_those_of_the_reference(golden):
    found = dropped_by(GopherRepetition(), [row["text"] for row in golden])
    expected = [RULE_OF_REFERENCE.get(row["repetition_dropped_by"]) for row in golden]
    assert dict(zip([row["name"] for row in golden], found, strict=True)) == dict(
        zip([row["name"] for row in golden], expected, strict=True)
    )


@pytest.mark.parametrize("rule", GopherRepetition().rules()[1:])
def test_each_threshold_has_a_golden_row_just_inside_and_just_outside(golden, rule):
    by_name = {row["name"]: row for row in golden}
    inside, outside = by_name[f"{rule}: inside"], by_name[f"{rule}: outside"]
    assert inside["repetition_dropped_by"] is None
    assert RULE_OF_REFERENCE[outside["repetition_dropped_by"]] == rule


def test_a_verdict_says_what_was_measured_and_the_bound():
    verdicts = open_alone(GopherRepetition())(batch_of(["a\na\nb\nc", ""]))
    assert verdicts.rule.tolist() == [5, 0]  # a quarter of the lines is allowed; "a a" is 3 of 7 characters
    assert verdicts.value.tolist() == [3 / 7, 0.0]
    assert verdicts.threshold.tolist() == [0.2, 1.0]


@pytest.mark.parametrize("text", [" ", " \n", "\u2003", "\u0301", " word "])
def test_texts_without_ngrams_are_kept(text):
    assert dropped_by(GopherRepetition(), [text]) == [None]


def test_an_empty_text_is_dropped_even_with_every_bound_off():
    off = GopherRepetition(
        max_duplicate_paragraph_fraction=None,
        max_duplicate_paragraph_char_fraction=None,
        max_duplicate_line_fraction=None,
        max_duplicate_line_char_fraction=None,
        max_top_ngram_char_fractions=(None,) * 3,
        max_duplicate_ngram_char_fractions=(None,) * 6,
    )
    assert dropped_by(off, ["", "a a a a a a a a a a a a", "\n\n"]) == ["empty_text", None, None]


@pytest.mark.parametrize(
    ("field", "value"),
    [("max_duplicate_line_fraction", -1), ("max_top_ngram_char_fractions", (0.1, 0.1)),
     ("max_duplicate_ngram_char_fractions", (0.1,) * 7)],
)  # fmt: skip
def test_wrong_configuration_is_refused(field, value):
    with pytest.raises(ValidationError, match=field):
        GopherRepetition(**{field: value})


def test_batches_do_not_matter(golden):
    texts = [row["text"] for row in golden if len(row["text"]) < 10_000]
    judge = open_alone(pickle.loads(pickle.dumps(GopherRepetition())))
    whole = judge(batch_of(texts))
    parts = [judge(batch_of(texts).slice(begin, 7)) for begin in range(0, len(texts), 7)]
    for field in ("keep", "rule", "value", "threshold"):
        np.testing.assert_array_equal(np.concatenate([getattr(part, field) for part in parts]), getattr(whole, field))
    assert len(judge(batch_of([])).keep) == 0
