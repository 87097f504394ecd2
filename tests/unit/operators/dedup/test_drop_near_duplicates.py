import numpy as np
import pyarrow as pa
import pytest

from operators.dedup.drop_near_duplicates import DropNearDuplicates

A, B = bytes(16), bytes([7]) * 16
DECIDED = pa.record_batch(
    {
        "survivor": pa.array([None, A, None, B], pa.binary(16)),
        "similarity": pa.array([None, 0.7, 0.69, 1.0], pa.float32()),
    }
)


def test_drops_what_has_a_survivor_and_names_it():
    verdicts = DropNearDuplicates(verify_at=0.7).open()(DECIDED)
    assert verdicts.keep.tolist() == [True, False, True, False]
    assert verdicts.survivor.to_pylist() == [None, A, None, B]
    assert verdicts.threshold.tolist() == [0.7] * 4
    assert DropNearDuplicates().rules() == ("near_duplicate",)


def test_a_similarity_is_shown_as_it_was_meant():
    # As float32, 0.7 lies below 0.7: a removal at 0.69999999 with a threshold of 0.7 would look like a mistake.
    np.testing.assert_array_equal(DropNearDuplicates().open()(DECIDED).value, [np.nan, 0.7, 0.69, 1.0])


def test_without_verification_there_is_no_threshold():
    assert np.isnan(DropNearDuplicates(verify_at=None).open()(DECIDED).threshold).all()


def test_a_slice_is_judged_like_the_whole():
    verdicts = DropNearDuplicates().open()(DECIDED.slice(1, 2))
    assert verdicts.keep.tolist() == [False, True]
    assert verdicts.survivor.to_pylist() == [A, None]


@pytest.mark.parametrize("verify_at", [0, 1.1])
def test_refuses_a_threshold_that_no_similarity_has(verify_at):
    with pytest.raises(ValueError, match="verify_at"):
        DropNearDuplicates(verify_at=verify_at)
