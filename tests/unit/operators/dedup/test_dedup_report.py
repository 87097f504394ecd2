"""The task: what it leaves, with a sample and without."""

import json

import numpy as np
import pyarrow as pa
import pytest

from operators.dedup.dedup_report import REPORT_FILE, REPORT_TEXT_FILE, DedupReport
from operators.dedup.sample_pairs import PAIRS_FILE
from operators.dedup.signature import BUCKET_VALUE, buckets_type
from pipeline.operator import FileRef, TaskInputs
from tests.unit.operators.dedup.test_cluster_statistics import ROWS, SCHEMA

BUCKETS = [[1, 2], [1, 3], None, [4, 5], [4, 6], [4, 5], [7, 7], None]


def bucket_column(rows):
    """Two buckets a document, or None."""
    values = [None if row is None else np.array(row, BUCKET_VALUE).tobytes() for row in rows]
    return pa.array(values, buckets_type(2))


class Rows:
    def __init__(self, table, batch_rows):
        self.schema = table.schema
        self._batches = table.to_batches(batch_rows)

    def batches(self, columns=None):
        return iter([(0, batch.select(columns or self.schema.names)) for batch in self._batches])


def report(operator, folder, batch_rows=3):
    """The files that the task leaves over the clusters of test_cluster_statistics."""
    sets = [[1, 2, 3], [1, 2, 3, 4], None, None, None, None, None, None]
    columns = {
        **{name: pa.array([row[name] for row in ROWS], SCHEMA.field(name).type) for name in SCHEMA.names},
        "minhash_buckets": bucket_column(BUCKETS),
        "sampled_shingles": pa.array(sets, pa.list_(pa.uint32())),
    }
    folder.mkdir()
    rows = Rows(pa.table(columns).select(operator.requires().names), batch_rows)
    assert list(operator.open()(TaskInputs(rows, {}, (len(ROWS),), folder))) == []
    assert sorted(path.name for path in folder.iterdir()) == [REPORT_FILE, REPORT_TEXT_FILE]
    return json.loads((folder / REPORT_FILE).read_text()), (folder / REPORT_TEXT_FILE).read_text()


@pytest.fixture
def calibrated(tmp_path):
    sample = {"num_documents": 3, "document": [1], "candidate": [0], "similarity": [0.7]}
    (tmp_path / PAIRS_FILE).write_text(json.dumps(sample))
    return DedupReport(num_bands=2, rows_per_band=4, pairs=FileRef(uri=PAIRS_FILE).pin(tmp_path / PAIRS_FILE))


def test_the_report_counts_and_calibrates(calibrated, tmp_path):
    found, text = report(calibrated, tmp_path / "report")
    assert (found["documents"], found["clusters"], found["removed"], found["without_signature"]) == (8, 2, 2, 2)
    calibration = found["calibration"]
    assert (calibration["candidates"], calibration["sampled"], calibration["pairs"]) == (3, 1, 1)
    assert (calibration["exact"], calibration["estimated"], calibration["shared_bands"]) == (0.75, 0.7, 1.0)
    assert "| clusters | 2 |" in text
    assert "\n## Calibration\n\n1 pairs of a document and a candidate, of 3," in text
    assert "| 0.7 to 0.8 | 1 | 0.7500 | 0.7000 | -0.0500 |" in text


def test_batches_do_not_change_the_report(calibrated, tmp_path):
    assert report(calibrated, tmp_path / "one", 1) == report(calibrated, tmp_path / "all", 8)


def test_without_pairs_nothing_is_calibrated(tmp_path):
    operator = DedupReport(num_bands=2, verify_at=None)
    assert "sampled_shingles" not in operator.requires().names
    found, text = report(operator, tmp_path / "report")
    assert found["documents"] == 8
    assert "calibration" not in found
    assert "Calibration" not in text
