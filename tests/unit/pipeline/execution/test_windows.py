"""Windows follow from the rows alone."""

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.execution.windows import joined, windows


def pieces(numbers, cuts):
    """Rows that hold their own numbers, cut at `cuts`; empty pieces among them."""
    rows = np.array(numbers, np.uint32)
    ends = [*sorted({min(cut, len(rows)) for cut in cuts}), len(rows)]
    starts = [0, *ends[:-1]]
    return [
        (pa.record_batch({"row": pa.array(rows[start:end])}), rows[start:end])
        for start, end in zip(starts, ends, strict=True)
    ]


def as_lists(flow):
    found = list(flow)
    assert all(batch["row"].to_pylist() == rows.tolist() for batch, rows in found)
    return [rows.tolist() for _, rows in found]


@settings(max_examples=80, deadline=None, derandomize=True)
@given(
    numbers=st.lists(st.integers(0, 99), unique=True, max_size=40).map(sorted),
    cuts=st.lists(st.integers(0, 40), max_size=6),
    window_rows=st.integers(1, 12),
)
def test_windows_are_full_but_for_the_last_however_rows_arrive(numbers, cuts, window_rows):
    found = as_lists(windows(pieces(numbers, cuts), window_rows))
    assert found == [numbers[start : start + window_rows] for start in range(0, len(numbers), window_rows)]


@settings(max_examples=80, deadline=None, derandomize=True)
@given(
    gone=st.lists(st.booleans(), max_size=40),
    cuts=st.lists(st.integers(0, 40), max_size=6),
    window_rows=st.integers(1, 12),
)
def test_rows_that_do_not_count_change_no_window_of_those_that_do(gone, cuts, window_rows):
    mask = np.array(gone, bool)
    found = as_lists(windows(pieces(range(len(gone)), cuts), window_rows, lambda rows: ~mask[rows]))
    assert [row for window in found for row in window] == list(range(len(gone)))
    counting = [kept for window in found if (kept := [row for row in window if not mask[row]])]
    kept = np.flatnonzero(~mask).tolist()
    assert counting == [kept[start : start + window_rows] for start in range(0, len(kept), window_rows)]


def test_no_more_rows_are_taken_than_a_window_needs():
    taken = []

    def flow():
        for number, piece in enumerate(pieces(range(12), range(12))):
            taken.append(number)
            yield piece

    found = windows(flow(), 4)
    next(found)
    assert len(taken) <= 5
    next(found)
    assert len(taken) <= 9


def test_pieces_are_joined_by_row_number():
    left, right = pieces([1, 4, 9], [])[0], pieces([2, 3], [])[0]
    assert as_lists([joined([left, right])]) == [[1, 2, 3, 4, 9]]
    assert joined([left]) is left
