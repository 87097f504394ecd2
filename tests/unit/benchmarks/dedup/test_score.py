import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchmarks.dedup.corpus import TRUTH, TRUTH_SCHEMA, Corpus, Settings
from benchmarks.dedup.score import score, surviving_ids

PAIRS = [("d0", "d1", "edit", 1.0), ("d2", "d3", "edit", 0.95), ("d4", "d5", "edit", 0.5)]


def small_corpus(folder):
    columns = zip(*PAIRS, strict=True)
    pq.write_table(pa.table(list(map(pa.array, columns)), schema=TRUTH_SCHEMA), folder / TRUTH)
    return Corpus(str(folder), Settings(10, 1), 10, len(PAIRS), 100)


def left_without(*removed):
    return pa.array([f"d{number}" for number in range(10) if f"d{number}" not in removed])


def test_a_pair_is_found_when_either_document_is_gone(tmp_path):
    found = score(small_corpus(tmp_path), left_without("d1", "d2"), verify_at=0.0)
    assert (found.removed, found.recall, found.precision) == (2, pytest.approx(2 / 3), 1.0)
    assert [(band.from_jaccard, band.pairs, band.recall) for band in found.bands] == [(0.5, 1, 0.0), (0.9, 2, 1.0)]


def test_a_document_without_partner_is_wrongly_removed(tmp_path):
    assert score(small_corpus(tmp_path), left_without("d1", "d9"), verify_at=0.0).precision == 0.5


def test_of_a_pair_that_is_gone_one_counts_as_right(tmp_path):
    assert score(small_corpus(tmp_path), left_without("d0", "d1"), verify_at=0.0).precision == 0.5


def test_nothing_removed_is_nothing_wrong(tmp_path):
    found = score(small_corpus(tmp_path), left_without(), verify_at=0.0)
    assert (found.recall, found.precision) == (0.0, 1.0)


def test_expectation_is_that_of_the_exact_similarities(tmp_path):
    found = score(small_corpus(tmp_path), left_without(), verify_at=0.0)
    assert found.recall_expected == pytest.approx((1 + 1 + 0.0534) / 3, abs=1e-3)


def test_a_document_that_is_written_twice_is_refused(tmp_path):
    for number in range(2):
        pq.write_table(pa.table({"id": ["d0"]}), tmp_path / f"{number}.parquet")
    with pytest.raises(SystemExit, match="expected each document once; found 2 rows of 1 ids"):
        surviving_ids(tmp_path, "id")
