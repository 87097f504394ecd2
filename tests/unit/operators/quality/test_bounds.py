import numpy as np

from operators.quality.bounds import Bound, first_broken, fraction


def test_the_first_broken_bound_decides_and_equality_is_kept():
    low = np.array([1.0, 2.0, 0.5, 2.0, np.nan])
    high = np.array([9.0, 9.5, 9.5, 9.0, np.nan])
    verdicts = first_broken([Bound(low, "min", 1.0), Bound(high, "max", 9.0)], 5)
    assert verdicts.keep.tolist() == [True, False, False, True, True]
    assert verdicts.rule[~verdicts.keep].tolist() == [1, 0]
    assert verdicts.rule.dtype == np.int16
    np.testing.assert_array_equal(verdicts.value, [np.nan, 9.5, 0.5, np.nan, np.nan])
    np.testing.assert_array_equal(verdicts.threshold, [np.nan, 9.0, 1.0, np.nan, np.nan])


def test_a_bound_of_none_is_off():
    verdicts = first_broken([Bound(np.array([0.0]), "min", None), Bound(np.array([3.0]), "max", 2.0)], 1)
    assert verdicts.rule.tolist() == [1]


def test_a_fraction_of_nothing_is_zero():
    assert fraction(np.array([0, 3, 1]), np.array([0, 0, 4])).tolist() == [0.0, 0.0, 0.25]
