"""Greedy packing by length. What it shares with other ways to pack is in test_packing."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from operators.pack.length_sorted_greedy import LengthSortedGreedy
from tests.unit.operators.pack.placed import groups

CAPACITY = 17


def plain_greedy(lengths: list[int]) -> list[list[int]]:
    bins: list[list[int]] = []
    for piece in sorted(range(len(lengths)), key=lambda piece: -lengths[piece]):
        if bins and sum(lengths[other] for other in bins[-1]) + lengths[piece] <= CAPACITY:
            bins[-1].append(piece)
        else:
            bins.append([piece])
    return sorted(sorted(one) for one in bins)


@settings(deadline=None)  # the first call compiles
@given(lengths=st.lists(st.integers(1, CAPACITY), max_size=40))
def test_agrees_with_plain(lengths: list[int]) -> None:
    assert groups(LengthSortedGreedy(window=CAPACITY).bins(np.array(lengths, np.int64))) == plain_greedy(lengths)


def test_no_window_is_looked_at_again() -> None:
    assert groups(LengthSortedGreedy(window=10).bins(np.array([6, 7, 3, 4], np.int64))) == [[0, 3], [1], [2]]
