from itertools import pairwise

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from operators.dedup.drop_duplicates import DropDuplicates
from pipeline.operator import REMOVAL_SCHEMA


def rows(keys):
    """Sorted rows with these hashes; position and doc_id follow from the place."""
    return pa.record_batch(
        {
            "content_hash": pa.array([key.to_bytes(16, "big") for key in keys], pa.binary(16)),
            "doc_id": pa.array([(1000 + place).to_bytes(16, "big") for place in range(len(keys))], pa.binary(16)),
            "position": pa.array([(place << 32) | 7 for place in range(len(keys))], pa.uint64()),
        }
    )


def removals_of(batch, cuts=()):
    """Removals as rows, of a stream that is cut at `cuts`."""
    parts = [batch.slice(start, stop - start) for start, stop in pairwise([0, *sorted(cuts), batch.num_rows])]
    return pa.Table.from_batches(DropDuplicates().open()(iter(parts)), REMOVAL_SCHEMA).to_pylist()


KEYS = st.lists(st.sampled_from([0, 1, 1 << 64, (1 << 64) + 1, 1 << 127]), max_size=30).map(sorted)


@settings(deadline=None, derandomize=True, max_examples=50)
@given(KEYS)
def test_all_but_the_first_of_a_hash_go(keys):
    assert removals_of(rows(keys)) == [
        {
            "position": (place << 32) | 7,
            "rule": "exact_duplicate",
            "value": float(place - keys.index(key) + 1),
            "threshold": None,
            "survivor": (1000 + keys.index(key)).to_bytes(16, "big"),
        }
        for place, key in enumerate(keys)
        if keys.index(key) != place
    ]


@settings(deadline=None, derandomize=True, max_examples=50)
@given(KEYS, st.data())
def test_where_the_stream_is_cut_changes_nothing(keys, data):
    batch = rows(keys)
    cuts = data.draw(st.lists(st.integers(0, len(keys)), max_size=6))
    assert removals_of(batch, cuts) == removals_of(batch)
    assert removals_of(batch, range(len(keys))) == removals_of(batch)


def test_copies_are_counted_on_beyond_the_end_of_a_batch():
    found = removals_of(rows([1, 1, 1, 1, 2]), cuts=[2, 3])
    assert [removal["value"] for removal in found] == [2.0, 3.0, 4.0]
    assert {removal["survivor"] for removal in found} == {(1000).to_bytes(16, "big")}


def test_declares_what_it_reads_and_writes():
    operator = DropDuplicates()
    assert operator.requires().names == ["content_hash", "doc_id", "position"]
    assert operator.output_schema(rows([]).schema) == REMOVAL_SCHEMA
