from collections import Counter

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


KEYS = st.lists(st.sampled_from([0, 1, 1 << 64, (1 << 64) + 1, 1 << 127]), max_size=30).map(sorted)


@settings(deadline=None, derandomize=True, max_examples=50)
@given(KEYS)
def test_all_but_the_first_of_a_hash_go(keys):
    removals = DropDuplicates().open()(rows(keys))
    count = Counter(keys)
    assert removals.schema == REMOVAL_SCHEMA
    assert removals.to_pylist() == [
        {
            "position": (place << 32) | 7,
            "rule": "exact_duplicate",
            "value": float(count[key]),
            "threshold": None,
            "survivor": (1000 + keys.index(key)).to_bytes(16, "big"),
        }
        for place, key in enumerate(keys)
        if keys.index(key) != place
    ]


@settings(deadline=None, derandomize=True, max_examples=50)
@given(KEYS, st.data())
def test_cutting_at_key_boundaries_changes_nothing(keys, data):
    batch = rows(keys)
    boundaries = [place for place in range(1, len(keys)) if keys[place] != keys[place - 1]]
    cuts = sorted(data.draw(st.sets(st.sampled_from(boundaries)))) if boundaries else []
    function = DropDuplicates().open()
    parts = [
        function(batch.slice(start, stop - start)) for start, stop in zip([0, *cuts], [*cuts, len(keys)], strict=True)
    ]
    assert pa.Table.from_batches(parts).to_pylist() == function(batch).to_pylist()


def test_declares_what_it_reads_and_writes():
    operator = DropDuplicates()
    assert operator.requires().names == ["content_hash", "doc_id", "position"]
    assert operator.output_schema(rows([]).schema) == REMOVAL_SCHEMA
