import json
import pickle
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pydantic import ValidationError

from operators.quality.gopher_quality import STOP_WORDS, GopherQuality
from operators.text.text_statistics import TextStatistics
from pipeline.execution.row_pass import open_alone

GOLDEN = Path(__file__).parents[3] / "golden" / "gopher" / "expected.jsonl"

RULE_OF_REFERENCE = {
    "gopher_short_doc": "too_few_words",
    "gopher_long_doc": "too_many_words",
    "gopher_below_avg_threshold": "words_too_short",
    "gopher_above_avg_threshold": "words_too_long",
    "gopher_too_many_hashes": "too_many_hashes",
    "gopher_too_many_ellipsis": "too_many_ellipses",
    "gopher_too_many_bullets": "too_many_bullet_lines",
    "gopher_too_many_end_ellipsis": "too_many_ellipsis_lines",
    "gopher_below_alpha_threshold": "too_few_alphabetic_words",
    "gopher_enough_stop_words": "too_few_stop_words",
}

STATISTIC_OF_REFERENCE = {"content_chars": "content_word_chars", "num_stop_words": "num_distinct_stop_words"}


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
    names = {STATISTIC_OF_REFERENCE.get(name, name): name for name in golden[0]["quality"]}
    found = TextStatistics(statistics=tuple(names), stop_words=STOP_WORDS).open()(
        batch_of([row["text"] for row in golden])
    )
    for row, counts in zip(golden, zip(*found.columns, strict=True), strict=True):
        assert dict(zip(names.values(), [count.as_py() for count in counts], strict=True)) == row["quality"], row[
            "name"
        ]


def test_decisions_are_those_of_the_reference(golden):
    found = dropped_by(GopherQuality(), [row["text"] for row in golden])
    expected = [RULE_OF_REFERENCE.get(row["quality_dropped_by"]) for row in golden]
    assert dict(zip([row["name"] for row in golden], found, strict=True)) == dict(
        zip([row["name"] for row in golden], expected, strict=True)
    )


@pytest.mark.parametrize("rule", GopherQuality().rules())
def test_each_threshold_has_a_golden_row_just_inside_and_just_outside(golden, rule):
    by_name = {row["name"]: row for row in golden}
    inside, outside = by_name[f"{rule}: inside"], by_name[f"{rule}: outside"]
    assert inside["quality_dropped_by"] is None
    assert RULE_OF_REFERENCE[outside["quality_dropped_by"]] == rule


def test_a_verdict_says_what_was_measured_and_the_bound():
    text = "the of " + "#word " * 20 + "letters " * 78
    verdicts = open_alone(GopherQuality())(batch_of([text, "the of"]))
    assert verdicts.value.tolist() == [0.2, 2.0]
    assert verdicts.threshold.tolist() == [0.1, 50.0]
    assert verdicts.rule.tolist() == [4, 0]


@pytest.mark.parametrize("text", ["", " ", "\n\u2003\n", "\u0301", "--- ...\n"])
def test_texts_without_content_have_defined_measures(text):
    assert dropped_by(GopherQuality(), [text]) == ["too_few_words"]
    off = dict.fromkeys(
        name for name in GopherQuality.model_fields
        if name.startswith(("min_", "max_")) and name != "min_alphabetic_word_fraction"
    )  # fmt: skip
    verdicts = open_alone(GopherQuality(**off))(batch_of([text]))
    assert verdicts.keep.tolist() == [False]
    assert verdicts.value.tolist() == [0.0]  # without letters, and without words, the fraction is 0
    assert dropped_by(GopherQuality(**off, min_alphabetic_word_fraction=None), [text]) == [None]


def test_stop_words_are_configuration():
    text = "le la " + "lettres " * 60
    assert dropped_by(GopherQuality(), [text]) == ["too_few_stop_words"]
    assert dropped_by(GopherQuality(stop_words=("le", "la", "les")), [text]) == [None]


def test_stop_words_are_counted_as_often_as_they_occur_where_dclm_does():
    text = "The THE " + "letters " * 60
    assert dropped_by(GopherQuality(), [text]) == ["too_few_stop_words"]
    assert dropped_by(GopherQuality(stop_word_count="occurrences"), [text]) == [None]
    assert dropped_by(GopherQuality(stop_word_count="occurrences"), [text.replace("THE", "")]) == ["too_few_stop_words"]


def test_the_word_unit_decides_what_a_word_is():
    text = "the of " + "letters, " * 25
    assert dropped_by(GopherQuality(), [text]) == ["too_few_words"]
    found = GopherQuality(word_unit="treebank", min_words=None)
    assert dropped_by(found, [text]) == ["too_few_alphabetic_words"]  # commas are words of their own


@pytest.mark.parametrize(
    ("field", "value"),
    [("min_words", -1), ("max_hashes_per_word", -0.1), ("stop_words", ("of the",)), ("stop_words", ("a", "a")),
     ("stop_words", ("",)), ("stop_words", ())],
)  # fmt: skip
def test_wrong_configuration_is_refused(field, value):
    with pytest.raises(ValidationError, match=field):
        GopherQuality(**{field: value})


def test_batches_do_not_matter(golden):
    texts = [row["text"] for row in golden if len(row["text"]) < 10_000]
    judge = open_alone(pickle.loads(pickle.dumps(GopherQuality())))
    whole = judge(batch_of(texts))
    parts = [judge(batch_of(texts).slice(begin, 7)) for begin in range(0, len(texts), 7)]
    for field in ("keep", "rule", "value", "threshold"):
        np.testing.assert_array_equal(np.concatenate([getattr(part, field) for part in parts]), getattr(whole, field))
    assert len(judge(batch_of([])).keep) == 0
