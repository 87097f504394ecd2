import numpy as np

from operators.quality.fraction import fraction


def test_a_fraction_of_nothing_is_zero():
    assert fraction(np.array([0, 3, 1]), np.array([0, 0, 4])).tolist() == [0.0, 0.0, 0.25]
