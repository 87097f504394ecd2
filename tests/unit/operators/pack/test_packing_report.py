"""The task: the files that it leaves."""

import json
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from operators.pack.best_fit import BestFit
from operators.pack.packing_report import PACKING_FILE, PACKING_PLOT_FILE, PackingReport
from pipeline.operator import TaskInputs
from tests.unit.operators.pack.packed import documents, packed


class Rows:
    def __init__(self, table: pa.Table) -> None:
        self.schema = table.schema
        self._table = table

    def batches(self, columns: tuple[str, ...] | None = None) -> Iterator[tuple[int, pa.RecordBatch]]:
        assert columns is not None
        assert "input_ids" not in columns
        return iter([(0, batch) for batch in self._table.select(list(columns)).to_batches()])


def test_the_report_and_its_plot(tmp_path: Path) -> None:
    rows = Rows(packed(BestFit(window=10), documents([4, 3, 6, 12])))
    assert list(PackingReport(capacity=10).open()(TaskInputs(rows, {}, (3,), tmp_path))) == []
    assert sorted(path.name for path in tmp_path.iterdir()) == [PACKING_FILE, PACKING_PLOT_FILE]
    figures = json.loads((tmp_path / PACKING_FILE).read_text())
    assert (figures["rows"], figures["documents"], figures["padding"]) == (3, 4, 5)
    assert (tmp_path / PACKING_PLOT_FILE).read_text().startswith("<svg ")
