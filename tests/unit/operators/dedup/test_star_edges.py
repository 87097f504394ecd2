from itertools import pairwise

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from operators.dedup.star_edges import EDGE_SCHEMA, StarEdges

ROWS = st.lists(st.tuples(st.sampled_from([0, 1, 7, 2**64 - 1]), st.integers(0, 2**63)), max_size=30).map(sorted)


def edges(rows, cuts=()):
    batch = pa.record_batch(
        {
            "bucket": pa.array([bucket for bucket, _ in rows], pa.uint64()),
            "position": pa.array([position for _, position in rows], pa.uint64()),
        }
    )
    parts = [batch.slice(start, stop - start) for start, stop in pairwise([0, *sorted(cuts), len(rows)])]
    found = pa.Table.from_batches(StarEdges().open()(iter(parts)), EDGE_SCHEMA)
    return list(zip(found.column("document").to_pylist(), found.column("hub").to_pylist(), strict=True))


@settings(deadline=None, derandomize=True, max_examples=50)
@given(ROWS)
def test_every_later_document_points_to_the_first_of_its_bucket(rows):
    expected = []
    for place, (bucket, position) in enumerate(rows):
        first = next(index for index, (other, _) in enumerate(rows) if other == bucket)
        if first != place:
            expected.append((position, rows[first][1]))
    assert edges(rows) == expected


@settings(deadline=None, derandomize=True, max_examples=50)
@given(ROWS, st.data())
def test_where_the_stream_is_cut_changes_nothing(rows, data):
    cuts = data.draw(st.lists(st.integers(0, len(rows)), max_size=6))
    assert edges(rows, cuts) == edges(rows)
    assert edges(rows, range(len(rows))) == edges(rows)


def test_a_bucket_that_goes_on_keeps_its_hub():
    assert edges([(1, 10), (1, 11), (1, 12), (2, 13), (2, 14)], cuts=[1, 2, 4]) == [(11, 10), (12, 10), (14, 13)]


def test_an_edge_of_several_buckets_stays_several_times():
    assert edges([(1, 10), (1, 11), (2, 10), (2, 11)]) == [(11, 10), (11, 10)]
