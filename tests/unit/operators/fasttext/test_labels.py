import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from operators.fasttext.labels import NO_LABEL, keep_best


@settings(deadline=None, derandomize=True)
@given(st.lists(st.sampled_from([-3.0, -1.5, -0.25, 0.0]), max_size=12), st.integers(1, 6), st.randoms())
def test_the_best_are_kept_in_order_and_the_smaller_label_of_equals(scores, num_kept, random):
    labels, kept = np.full(num_kept, NO_LABEL, np.int32), np.zeros(num_kept, np.float32)
    given_order = list(enumerate(scores))
    random.shuffle(given_order)
    for label, score in given_order:
        keep_best(np.int32(label), np.float32(score), labels, kept)
    expected = sorted(enumerate(scores), key=lambda pair: (-pair[1], pair[0]))[:num_kept]
    assert [(label, score) for label, score in zip(labels, kept, strict=True) if label != NO_LABEL] == expected
