"""Cutting and placing, against slow and obvious Python."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from operators.pack.pieces import NO_PIECE, Pieces, best_fit, concatenated, longest_first, number_by_first_piece

LENGTHS = st.lists(st.integers(0, 40), max_size=40)
WINDOW = st.integers(1, 17)


def windows_of(pieces: Pieces) -> list[list[tuple[int, int, int]]]:
    rows = list(zip(pieces.document.tolist(), pieces.start.tolist(), pieces.length.tolist(), strict=True))
    return [rows[a:b] for a, b in itertools.pairwise(pieces.bounds.tolist())]


def plain_concatenated(lengths: list[int], window: int) -> list[list[tuple[int, int, int]]]:
    owners = [document for document, length in enumerate(lengths) for _ in range(length)]
    windows: list[list[tuple[int, int, int]]] = []
    for begin in range(0, len(owners), window):
        rows: list[tuple[int, int, int]] = []
        for at in range(begin, min(begin + window, len(owners))):
            if rows and rows[-1][0] == owners[at]:
                rows[-1] = (*rows[-1][:2], rows[-1][2] + 1)
            else:
                rows.append((owners[at], at, 1))
        windows.append(rows)
    return windows


def plain_best_fit(lengths: list[int], window: int) -> list[list[tuple[int, int, int]]]:
    pieces: list[tuple[int, int, int]] = []
    start = 0
    for document, length in enumerate(lengths):
        pieces += [(document, start + at, min(window, length - at)) for at in range(0, length, window)]
        start += length
    bins: list[list[tuple[int, int, int]]] = []
    space: list[int] = []
    since: list[int] = []
    for clock, piece in enumerate(sorted(pieces, key=lambda piece: -piece[2])):
        fitting = [b for b in range(len(bins)) if space[b] >= piece[2]]
        if fitting:
            b = min(fitting, key=lambda b: (space[b], -since[b]))
        else:
            b = len(bins)
            bins.append([])
            space.append(window)
            since.append(0)
        bins[b].append(piece)
        space[b] -= piece[2]
        since[b] = clock
    return sorted(sorted(one) for one in bins)


@settings(deadline=None)  # the first call compiles
@given(lengths=LENGTHS, window=WINDOW)
def test_concatenated_agrees_with_plain(lengths: list[int], window: int) -> None:
    assert windows_of(concatenated(np.array(lengths, np.int64), window)) == plain_concatenated(lengths, window)


@settings(deadline=None, max_examples=60)  # the first call compiles
@given(lengths=LENGTHS, window=WINDOW)
def test_best_fit_agrees_with_plain(lengths: list[int], window: int) -> None:
    assert windows_of(best_fit(np.array(lengths, np.int64), window)) == plain_best_fit(lengths, window)


def test_best_fit_takes_the_tightest_window() -> None:
    # 7 and 6 open windows with 3 and 4 free; the 3 must go beside the 7, the 4 beside the 6.
    assert windows_of(best_fit(np.array([4, 3, 6, 7], np.int64), 10)) == [
        [(0, 0, 4), (2, 7, 6)],
        [(1, 4, 3), (3, 13, 7)],
    ]


def test_best_fit_cuts_only_documents_longer_than_the_window() -> None:
    assert windows_of(best_fit(np.array([5, 25, 10], np.int64), 10)) == [
        [(0, 0, 5), (1, 25, 5)],
        [(1, 5, 10)],
        [(1, 15, 10)],
        [(2, 30, 10)],
    ]


@pytest.mark.parametrize("window", [1 << 20, 1 << 22])
def test_best_fit_with_windows_of_a_million_tokens(window: int) -> None:
    rng = np.random.default_rng(0)
    lengths = rng.integers(1, window, 400)
    pieces = best_fit(lengths, window)
    filled = np.add.reduceat(pieces.length, pieces.bounds[:-1])
    assert filled.max() <= window
    assert filled.sum() == lengths.sum()
    # Two windows that are half empty would have been one.
    assert (filled <= window // 2).sum() <= 1
    assert sorted(pieces.document) == list(range(400))


@settings(deadline=None)  # the first call compiles
@given(lengths=st.lists(st.integers(0, 9), max_size=30))
def test_longest_first_is_a_stable_descending_order(lengths: list[int]) -> None:
    expected = sorted(range(len(lengths)), key=lambda i: -lengths[i])
    assert longest_first(np.array(lengths, np.int64), 9).tolist() == expected


def test_numbering_follows_the_first_piece() -> None:
    assert number_by_first_piece(np.array([2, 0, 2, 1]), np.full(3, NO_PIECE)).tolist() == [0, 1, 0, 2]
