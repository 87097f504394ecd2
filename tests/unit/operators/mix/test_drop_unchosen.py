"""Whom a choice left out, and by which rule."""

import numpy as np
import pyarrow as pa

from operators.mix.drop_unchosen import DropUnchosen


def test_rows_that_are_to_stand_nowhere_go():
    found = DropUnchosen().open()(pa.record_batch({"repetitions": pa.array([2, 0, None, 1], pa.int32())}))
    assert found.keep.tolist() == [True, False, False, True]
    rules = DropUnchosen().rules()
    assert [rules[rule] for rule in found.rule[~found.keep]] == ["not_chosen", "no_repetitions"]
    np.testing.assert_array_equal(found.value, [2, 0, np.nan, 1])
    np.testing.assert_array_equal(found.threshold, [1, 1, np.nan, 1])
