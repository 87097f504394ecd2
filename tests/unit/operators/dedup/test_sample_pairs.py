"""Which pairs are drawn, and that nothing but ids decides on it."""

import json
import tempfile
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from operators.dedup.sample_pairs import PAIRS_FILE, SamplePairs, read_pairs, slots_of
from pipeline.document import DOC_ID_TYPE, POSITION_TYPE
from pipeline.operator import TaskInputs

LAWS = settings(deadline=None, derandomize=True, max_examples=60)


class Rows:
    def __init__(self, batches):
        self.schema = SamplePairs().requires()
        self._batches = batches

    def batches(self, columns=None):
        return iter([(0, batch.select(columns or self.schema.names)) for batch in self._batches])


def doc_id(number):
    return (number * 0x9E3779B97F4A7C15F39CC0605CEDC835 % (1 << 128)).to_bytes(16, "little")


def documents(rows):
    """Rows of (number of the doc_id, position, candidate or None)."""
    columns = {
        "doc_id": pa.array([doc_id(number) for number, _, _ in rows], DOC_ID_TYPE),
        "position": pa.array([place for _, place, _ in rows], POSITION_TYPE),
        "candidate": pa.array([candidate for *_, candidate in rows], POSITION_TYPE),
        "candidate_similarity": pa.array(
            [None if candidate is None else number % 10 / 10 for number, _, candidate in rows], pa.float32()
        ),
    }
    return pa.record_batch(columns)


def sampled(rows, cuts=(), num_shards=1, **fields):
    batch = documents(rows)
    bounds = [0, *sorted(min(cut, len(rows)) for cut in cuts), len(rows)]
    batches = [batch.slice(start, end - start) for start, end in pairwise(bounds)]
    with tempfile.TemporaryDirectory() as folder:
        inputs = TaskInputs(Rows(batches), {}, (1 << 20,) * num_shards, Path(folder))
        assert list(SamplePairs(**fields).open()(inputs)) == []
        assert [path.name for path in Path(folder).iterdir()] == [PAIRS_FILE]
        json.loads((Path(folder) / PAIRS_FILE).read_text())
        return read_pairs(Path(folder) / PAIRS_FILE)


def as_rows(pairs):
    return list(zip(pairs.documents.tolist(), pairs.candidates.tolist(), pairs.similarities.tolist(), strict=True))


def test_all_pairs_are_the_sample_where_there_are_few():
    pairs = sampled([(7, 0, 2), (8, 1, None), (9, 2, 1)], num_pairs=2)
    assert as_rows(pairs) == [(0, 2, 0.7), (2, 1, 0.9)]
    assert pairs.num_documents == 2
    assert pairs.positions().tolist() == [0, 1, 2]


def test_no_candidates_give_an_empty_sample():
    for rows in ([], [(1, 0, None)]):
        pairs = sampled(rows)
        assert as_rows(pairs) == []
        assert pairs.positions().tolist() == []


def test_candidates_outside_the_base_are_left_out_but_counted():
    pairs = sampled([(1, 0, 1 << 32), (2, 1, 0)], num_shards=1)
    assert as_rows(pairs) == [(1, 0, 0.2)]
    assert pairs.num_documents == 2
    assert len(sampled([(1, 0, 1 << 32), (2, 1, 0)], num_shards=2).documents) == 2


@LAWS
@given(
    candidates=st.lists(st.none() | st.integers(0, 29), max_size=30),
    cuts=st.lists(st.integers(0, 30), max_size=5),
    num_pairs=st.integers(1, 12),
)
def test_how_rows_are_cut_changes_nothing(candidates, cuts, num_pairs):
    rows = [(place, place, candidate) for place, candidate in enumerate(candidates)]
    whole, parts = (sampled(rows, by, num_pairs=num_pairs) for by in ((), cuts))
    assert as_rows(whole) == as_rows(parts)
    assert len(whole.documents) == min(num_pairs, sum(candidate is not None for candidate in candidates))


def test_ids_alone_decide_who_is_drawn():
    rows = [(number, number, 0) for number in range(200)]
    drawn = set(sampled(rows, num_pairs=40).documents.tolist())
    elsewhere = sampled([(number, 500 - number, 0) for number in range(200)][::-1], num_pairs=40)
    assert {500 - place for place in elsewhere.documents.tolist()} == drawn
    assert set(sampled(rows, num_pairs=20).documents.tolist()) < drawn
    assert set(sampled(rows, num_pairs=40, seed=3).documents.tolist()) != drawn


def test_no_part_of_the_documents_is_preferred():
    drawn = sampled([(number, number, 0) for number in range(4000)], num_pairs=400).documents
    counts = np.bincount((drawn // 400).astype(int), minlength=10)
    assert np.abs(counts - 40).max() < 20  # three standard deviations


def test_slots_are_places_among_the_wanted():
    rows, slots = slots_of(np.array([5, 9, 1, 7], np.uint64), np.array([1, 5, 8], np.uint64))
    assert (rows.tolist(), slots.tolist()) == ([0, 2], [1, 0])
    rows, slots = slots_of(np.array([5], np.uint64), np.empty(0, np.uint64))
    assert (rows.tolist(), slots.tolist()) == ([], [])
