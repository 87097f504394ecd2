"""What operators are shown of a batch, and in what company."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.execution.poison.rows import Harm, Isolation, PoisonRow, RowRange, TrialPassedError

ranges = st.builds(lambda first, size: RowRange("a", first, first + size), st.integers(0, 40), st.integers(0, 10))


def poison(row: int, operator: str = "a") -> PoisonRow:
    return PoisonRow(row, operator, Harm.CRASHED, "SIGSEGV")


def parts(isolation: Isolation, rows: list[int], operator: str = "a") -> list[list[int]]:
    """The rows of each call; checks that each batch holds what its row numbers say."""
    numbers = np.array(rows, np.uint32)
    batch = pa.record_batch({"row": numbers})
    shown = list(isolation.parts(operator, batch, numbers, isolation.poison_at(operator, numbers)))
    assert [part["row"].to_pylist() for part, _ in shown] == [given.tolist() for _, given in shown]
    return [given.tolist() for _, given in shown]


def test_without_a_reason_a_batch_is_one_call() -> None:
    assert parts(Isolation(), [3, 5, 6]) == [[3, 5, 6]]


def test_poison_is_not_shown_to_its_operator() -> None:
    isolation = Isolation((poison(5), poison(99), poison(6, "b")))
    assert isolation.poison_at("a", np.array([3, 5, 6], np.uint32)) == (poison(5),)
    assert parts(isolation, [3, 5, 6]) == [[3, 6]]
    assert parts(isolation, [3, 5, 6], "b") == [[3, 5]]
    assert parts(isolation, [5]) == []


def test_single_rows_stand_between_calls_of_several() -> None:
    assert parts(Isolation(singly=(RowRange("a", 5, 8),)), [1, 2, 5, 6, 9, 10]) == [[1, 2], [5], [6], [9, 10]]
    assert parts(Isolation(singly=(RowRange("b", 5, 8),)), [1, 5, 6]) == [[1, 5, 6]]


def test_a_trial_shows_one_row() -> None:
    isolation = Isolation((poison(2),), alone=RowRange("a", 5, 5))
    assert parts(isolation, [1, 2, 5, 6]) == [[5]]
    assert parts(isolation, [1, 2]) == []
    assert parts(isolation, [1, 5], "b") == [[1, 5]]
    isolation.note_returned("b")
    with pytest.raises(TrialPassedError):
        isolation.note_returned("a")


@given(
    st.lists(st.integers(0, 50), unique=True).map(sorted),
    st.lists(st.integers(0, 50), unique=True),
    st.lists(ranges, max_size=3),
)
def test_every_row_but_poison_is_shown_once_in_order(rows: list[int], bad: list[int], singly: list[RowRange]) -> None:
    shown = parts(Isolation(tuple(map(poison, bad)), tuple(singly)), rows)
    if rows:
        assert [row for part in shown for row in part] == [row for row in rows if row not in bad]
    for part in shown:
        if any(one.first <= row <= one.last for one in singly for row in part):
            assert len(part) == 1


def test_a_row_is_read_as_it_was_written() -> None:
    assert PoisonRow.from_json(poison(5).to_json()) == poison(5)
