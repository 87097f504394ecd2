import numpy as np
import pyarrow as pa
import pytest

from operators.quality.refinedweb_quality import RefinedWebQuality
from tests.golden_rows import golden_rows


def batch_of(texts):
    return pa.record_batch([pa.array(texts, pa.large_string())], names=["text"])


def test_words_and_the_share_removed_are_those_of_the_reference():
    rows = golden_rows("refinedweb")
    values = RefinedWebQuality().open_measure()(batch_of([row["input"] for row in rows]))
    assert dict(zip([row["name"] for row in rows], values.tolist(), strict=True)) == {
        row["name"]: [
            row["num_before"],
            (row["num_before"] - row["num_after"]) / row["num_before"] if row["num_before"] else 0,
        ]
        for row in rows
    }


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("too_many_words_removed: inside", None),
        ("too_many_words_removed: outside", "too_many_words_removed"),
        ("odd: emptied", "too_many_words_removed"),
        ("odd: symbols", "no_words"),
        ("odd: empty", "no_words"),
        ("odd: blank lines", None),
    ],
)
def test_the_rule_that_drops(name, rule):
    operator = RefinedWebQuality()
    text = next(row["input"] for row in golden_rows("refinedweb") if row["name"] == name)
    verdicts = operator.open()(batch_of([text]))
    assert (None if verdicts.keep[0] else operator.rules()[verdicts.rule[0]]) == rule


def test_limits_on_lines_are_those_of_the_transform():
    text = "It was late and they went home.\nTWO WORDS\n"
    values = [
        RefinedWebQuality(max_uppercase_fraction=limit).open_measure()(batch_of([text]))[0, 1] for limit in (0.5, 1.0)
    ]
    assert np.allclose(values, [2 / 9, 0])
