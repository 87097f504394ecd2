import math

import pytest

from benchmarks.dedup.growth import exponent


@pytest.mark.parametrize("power", [0.5, 1.0, 2.0])
def test_exponent_of_a_power(power):
    assert exponent({size: 3 * size**power for size in (10, 100, 1000)}) == pytest.approx(power)


def test_one_size_tells_no_growth():
    assert math.isnan(exponent({10: 1.0}))
