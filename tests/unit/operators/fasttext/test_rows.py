"""Rows are added in float32, in the order of the list, for any number of columns."""

import numpy as np
import pytest

from operators.fasttext.rows import add_dense_rows


def add(rows, floats, total):
    data = np.frombuffer(floats.tobytes(), np.uint8)
    add_dense_rows(np.uintp(len(rows)), np.array(rows, np.uintp), data, total)


@pytest.mark.parametrize("columns", [1, 7, 8, 15, 16, 31, 32, 33, 40, 64, 100])
def test_sums_are_those_of_one_row_after_the_other(columns):
    generator = np.random.default_rng(columns)
    floats = (generator.normal(size=(50, columns)) * 10.0 ** generator.integers(-3, 4, (50, 1))).astype(np.float32)
    rows = generator.integers(0, 50, 200).tolist()
    total = generator.normal(size=columns).astype(np.float32)
    expected = total.copy()
    for row in rows:
        expected += floats[row]
    add(rows, floats, total)
    np.testing.assert_array_equal(total, expected)
