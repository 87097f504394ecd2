"""What is counted of packed rows, against documents that were packed by hand, whatever the batches."""

import pyarrow as pa
import pytest

from operators.pack.best_fit import BestFit
from operators.pack.packing_statistics import PackingFigures, PackingStatistics
from tests.unit.operators.pack.packed import documents, packed

ROWS = packed(BestFit(window=10), documents([4, 3, 6, 12]))
"""[4, 6], [3 and the rest of 12: 2], [12's first 10]."""
TRUNCATED = packed(BestFit(window=10, long_documents="truncate"), documents([25, 1, 10]))


def figures(table: pa.Table, batch_rows: int) -> PackingFigures:
    statistics = PackingStatistics(10)
    for batch in table.to_batches(batch_rows):
        statistics.add(batch)
    return statistics.figures()


@pytest.mark.parametrize("batch_rows", [1, 2, 3])
def test_everything_is_counted(batch_rows: int) -> None:
    assert figures(ROWS, batch_rows) == {
        "rows": 3,
        "capacity": 10,
        "tokens": 25,
        "padding": 5,
        "padding_fraction": 0.166667,
        "documents": 4,
        "pieces": 5,
        "splits": 1,
        "truncated_tokens": 0,
        "truncated_rows": 0,
        "documents_per_row": {"mean": 1.667, "min": 1, "median": 2, "max": 2},
        "rows_by_documents": {"1": 1, "2": 2},
        "rows_by_fill": [0] * 9 + [1] + [0] * 9 + [2],
    }


def test_truncated_tokens_are_counted() -> None:
    found = figures(TRUNCATED, 2)
    assert (found["truncated_tokens"], found["truncated_rows"], found["splits"]) == (15, 1, 0)
    assert (found["documents"], found["tokens"]) == (3, 21)


def test_no_rows_no_padding() -> None:
    found = PackingStatistics(10).figures()
    assert (found["rows"], found["padding_fraction"], found["documents_per_row"]) == (0, 0.0, {})
