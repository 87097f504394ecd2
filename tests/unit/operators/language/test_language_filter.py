import numpy as np
import pyarrow as pa
import pytest
from pydantic import ValidationError

from operators.language.language_filter import LanguageFilter
from operators.language.language_id import LanguageId


def judged(operator, rows):
    languages, scores = zip(*rows, strict=True) if rows else ((), ())
    columns = [pa.array(languages, pa.large_string()), pa.array(scores, pa.float32())]
    return operator.open()(pa.record_batch(columns, schema=operator.requires()))


def test_reads_what_the_annotator_adds():
    assert LanguageFilter(languages=("en",)).requires() == LanguageId().adds()


def test_language_is_judged_before_its_score():
    rows = [("en", 0.9), ("de", 0.9), ("de", 0.1), ("en", 0.1), ("fr", 0.99), (None, 0.0), ("en", None), (None, None)]
    verdicts = judged(LanguageFilter(languages=("en", "fr")), rows)
    assert verdicts.keep.tolist() == [True, False, False, False, True, False, False, False]
    assert verdicts.rule[~verdicts.keep].tolist() == [0, 0, 1, 0, 1, 0]
    assert verdicts.rule.dtype == np.int16
    nan = np.nan
    assert verdicts.detail.to_pylist() == [row[0] and f"language {row[0]}" for row in rows]
    np.testing.assert_allclose(verdicts.value, [0.9, 0.9, 0.1, 0.1, 0.99, nan, 0.0, nan], rtol=1e-6)
    np.testing.assert_array_equal(verdicts.threshold, [nan, nan, nan, 0.65, nan, nan, 0.65, nan])


@pytest.mark.parametrize("bound", [0.65, 0.1, 0.3, 0.7, 1.0, 0.0])
def test_a_score_equal_to_the_bound_is_kept(bound):
    rows = [("en", bound), ("en", np.nextafter(np.float32(bound), np.float32(-1)))]
    assert judged(LanguageFilter(languages=("en",), min_score=bound), rows).keep.tolist() == [True, False]


def test_score_that_is_no_number_is_dropped():
    verdicts = judged(LanguageFilter(languages=("en",)), [("en", np.nan)])
    assert (verdicts.keep.tolist(), verdicts.rule.tolist()) == ([False], [1])


def test_empty_batch():
    assert len(judged(LanguageFilter(languages=("en",)), []).keep) == 0


@pytest.mark.parametrize(
    ("field", "value"),
    [("languages", ()), ("languages", ("en", "en")), ("languages", ("",)), ("min_score", 1.1), ("min_score", -0.1)],
)
def test_wrong_configuration_is_refused(field, value):
    with pytest.raises(ValidationError, match=field):
        LanguageFilter(**{"languages": ("en",), field: value})
