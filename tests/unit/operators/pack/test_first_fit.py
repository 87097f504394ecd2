"""First fit, against slow and obvious Python. What it shares with other ways to pack is in test_packing."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from operators.pack.first_fit import FirstFit
from tests.unit.operators.pack.placed import groups

CAPACITY = 17


def plain_first_fit(lengths: list[int]) -> list[list[int]]:
    bins: list[list[int]] = []
    for piece, length in enumerate(lengths):
        room = (b for b in bins if sum(lengths[other] for other in b) + length <= CAPACITY)
        chosen = next(room, None)
        if chosen is None:
            bins.append([piece])
        else:
            chosen.append(piece)
    return bins


@settings(deadline=None)  # the first call compiles
@given(lengths=st.lists(st.integers(1, CAPACITY), max_size=40))
def test_agrees_with_plain(lengths: list[int]) -> None:
    assert groups(FirstFit(window=CAPACITY).bins(np.array(lengths, np.int64))) == plain_first_fit(lengths)


def test_takes_the_first_window_and_not_the_tightest() -> None:
    assert groups(FirstFit(window=10).bins(np.array([6, 7, 3], np.int64))) == [[0, 2], [1]]
