"""Cutting and grouping, against slow and obvious Python."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from operators.pack.pieces import (
    NO_PIECE,
    Windows,
    by_first_piece,
    concatenated,
    cut_documents,
    grouped,
    longest_first,
    running_totals,
)

LENGTHS = st.lists(st.integers(0, 40), max_size=40)
WINDOW = st.integers(1, 17)
Run = tuple[int, int, int]


def runs_of(windows: Windows) -> list[list[Run]]:
    pieces = windows.pieces
    rows = list(zip(pieces.document.tolist(), pieces.start.tolist(), pieces.length.tolist(), strict=True))
    return [rows[a:b] for a, b in itertools.pairwise(windows.bounds.tolist())]


def plain_concatenated(lengths: list[int], window: int, extra: int) -> list[list[Run]]:
    owners = [document for document, length in enumerate(lengths) for _ in range(length)]
    windows: list[list[Run]] = []
    for begin in range(0, len(owners), window):
        rows: list[Run] = []
        for at in range(begin, min(begin + window + extra, len(owners))):
            if rows and rows[-1][0] == owners[at]:
                rows[-1] = (*rows[-1][:2], rows[-1][2] + 1)
            else:
                rows.append((owners[at], at, 1))
        windows.append(rows)
    return windows


@given(lengths=LENGTHS, window=WINDOW, extra=st.sampled_from([0, 1]))
def test_concatenated_agrees_with_plain(lengths: list[int], window: int, extra: int) -> None:
    windows = concatenated(np.array(lengths, np.int64), window, extra_token=bool(extra))
    assert runs_of(windows) == plain_concatenated(lengths, window, extra)
    assert windows.num_ahead == (max(0, windows.num_windows - 1) if extra else 0)


@given(lengths=LENGTHS, longest=st.integers(1, 17), part=st.integers(1, 9))
def test_pieces_are_what_documents_were(lengths: list[int], longest: int, part: int) -> None:
    min_piece = min(part, (longest + 1) // 2)
    pieces = cut_documents(np.array(lengths, np.int64), longest, "split", min_piece)
    starts = running_totals(np.array(lengths, np.int64))
    assert pieces.start.tolist() == (starts[pieces.document] + pieces.before).tolist()
    for document, length in enumerate(lengths):
        own = np.flatnonzero(pieces.document == document)
        parts = pieces.length[own].tolist()
        assert sum(parts) == length
        assert pieces.before[own].tolist() == list(itertools.accumulate(parts[:-1], initial=0))[: len(parts)]
        if length <= longest:
            assert parts == [length] * bool(length)
        else:
            assert min(parts) >= min_piece
            assert max(parts) <= longest
            assert len(parts) == -(-length // longest)


@pytest.mark.parametrize(
    ("length", "min_piece", "expected"),
    [(23, 1, [10, 10, 3]), (23, 4, [10, 9, 4]), (11, 5, [6, 5]), (20, 5, [10, 10]), (10, 5, [10])],
)
def test_a_rest_takes_what_it_lacks_from_the_piece_before(length: int, min_piece: int, expected: list[int]) -> None:
    assert cut_documents(np.array([length]), 10, "split", min_piece).length.tolist() == expected


def test_truncated_documents_say_what_they_lost() -> None:
    pieces = cut_documents(np.array([4, 0, 25, 10]), 10, "truncate")
    assert pieces.document.tolist() == [0, 2, 3]
    assert pieces.start.tolist() == [0, 4, 29]
    assert pieces.length.tolist() == [4, 10, 10]
    assert pieces.truncated.tolist() == [0, 15, 0]


def test_windows_are_in_the_order_of_their_first_pieces() -> None:
    pieces = cut_documents(np.array([5, 25, 10]), 10, "split")
    windows = grouped(pieces, np.array([2, 1, 0, 2, 3]), 4)
    assert runs_of(windows) == [[(0, 0, 5), (1, 25, 5)], [(1, 5, 10)], [(1, 15, 10)], [(2, 30, 10)]]
    assert windows.pieces.before.tolist() == [0, 20, 0, 10, 0]


@settings(deadline=None)  # the first call compiles
@given(bins=st.lists(st.integers(0, 5), max_size=30))
def test_grouping_is_stable_and_by_first_piece(bins: list[int]) -> None:
    names = {name: number for number, name in enumerate(dict.fromkeys(bins))}
    numbered = [names[name] for name in bins]
    renamed = np.array([len(names) - 1 - number for number in numbered], np.int64)
    order, bounds = by_first_piece(renamed, np.full(len(names), NO_PIECE, np.int64))
    assert order.tolist() == sorted(range(len(bins)), key=lambda piece: numbered[piece])
    assert np.diff(bounds).tolist() == [numbered.count(number) for number in range(len(names))]


@settings(deadline=None)  # the first call compiles
@given(lengths=st.lists(st.integers(0, 9), max_size=30))
def test_longest_first_is_a_stable_descending_order(lengths: list[int]) -> None:
    expected = sorted(range(len(lengths)), key=lambda i: -lengths[i])
    assert longest_first(np.array(lengths, np.int64), 9).tolist() == expected
