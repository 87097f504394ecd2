"""A merge by blocks against one sort of everything, and the memory that it stays in."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.execution.merge import Run, merge_runs
from pipeline.execution.row_order import RowOrder

ORDER = RowOrder((("key", "ascending"), ("score", "descending"), ("name", "ascending")))
ROWS = st.tuples(
    st.integers(0, 2), st.none() | st.sampled_from([0.0, 1.5]), st.none() | st.sampled_from(["", "b", "é"])
)
RUNS = st.lists(st.lists(ROWS, min_size=1, max_size=12), min_size=1, max_size=5)


def run_of(number, rows):
    keys, scores, names = zip(*rows, strict=True)
    columns = [
        pa.array(keys, pa.uint64()),
        pa.array(scores, pa.float64()),
        pa.array(names, pa.large_string()),
        pa.array([f"{number}-{row}" for row in range(len(rows))]),
    ]
    return Run(number, pa.record_batch(columns, ["key", "score", "name", "id"]), np.arange(len(rows), dtype=np.uint32))


@settings(max_examples=150, deadline=None, derandomize=True)
@given(RUNS, st.sampled_from([1, 3, 8, 20, 1000]))
def test_equals_one_sort_whatever_the_memory(runs, memory_rows):
    parts = [run_of(number, rows) for number, rows in enumerate(runs)]
    whole = pa.concat_batches([part.batch for part in parts])
    expected = whole.take(pa.array(ORDER.indices(whole)))["id"].to_pylist()
    found = [row for batch in merge_runs(parts, ORDER, memory_rows * 10, 10.0) for row in batch["id"].to_pylist()]
    assert found == expected


def test_only_chosen_rows_take_part():
    run = run_of(0, [(1, None, None), (0, None, None), (2, None, None), (0, None, None)])
    chosen = Run(0, run.batch, np.array([3, 2, 1], np.uint32))
    (batch,) = merge_runs([chosen], ORDER, 1000, 1.0)
    assert batch["id"].to_pylist() == ["0-1", "0-3", "0-2"]


class Watched:
    """An order that remembers how many rows it had to sort at most."""

    def __init__(self):
        self.columns, self.names, self.most = ORDER.columns, ORDER.names, 0

    def indices(self, rows, ordinals=None):
        self.most = max(self.most, rows.num_rows)
        return ORDER.indices(rows, ordinals)


@pytest.mark.parametrize("spread", ["one after the other", "alternating", "equal"])
def test_no_more_rows_are_in_memory_than_fit(spread):
    size, count, memory_rows = 500, 8, 400
    score = {
        "one after the other": lambda number, row: -float(number * size + row),
        "alternating": lambda number, row: -float(row * count + number),
        "equal": lambda number, row: 0.0,  # noqa: ARG005
    }[spread]
    runs = [run_of(number, [(7, score(number, row), "") for row in range(size)]) for number in range(count)]
    watched = Watched()
    rows = sum(batch.num_rows for batch in merge_runs(runs, watched, memory_rows * 10, 10.0))
    assert rows == size * count
    assert watched.most <= max(size, memory_rows), "a run is sorted alone, a round within the memory"
