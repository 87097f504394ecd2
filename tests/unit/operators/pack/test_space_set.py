"""The set of free spaces against a plain Python set."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from operators.pack.space_set import empty_set, insert, remove, smallest_from


@settings(deadline=None)  # the first call compiles
@given(
    largest=st.sampled_from([0, 1, 63, 64, 4095, 4096, 300_000, 1 << 24]),
    fractions=st.lists(st.tuples(st.booleans(), st.floats(0, 1)), max_size=40),
)
def test_agrees_with_a_plain_set(largest: int, fractions: list[tuple[bool, float]]) -> None:
    words, starts = empty_set(largest)
    plain: set[int] = set()
    none = np.uintp(largest + 1)
    for adds, fraction in fractions:
        member = int(fraction * largest)
        if adds:
            insert(words, starts, np.uintp(member))
            plain.add(member)
        elif plain:
            member = min(plain, key=lambda one: abs(one - member))
            remove(words, starts, np.uintp(member))
            plain.remove(member)
        for least in {0, member, min(member + 1, largest), largest}:
            expected = min((one for one in plain if one >= least), default=largest + 1)
            assert smallest_from(words, starts, np.uintp(least), none) == expected


@pytest.mark.parametrize(
    ("largest", "num_words"),
    [(0, 1), (63, 1), (64, 2 + 1), (4095, 64 + 1), (4096, 65 + 2 + 1), (262_143, 4096 + 64 + 1)],
)
def test_levels_grow_by_powers_of_64(largest: int, num_words: int) -> None:
    words, starts = empty_set(largest)
    assert len(words) == num_words == starts[-1]
    assert not words.any()
