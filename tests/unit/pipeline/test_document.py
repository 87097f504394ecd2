"""Ids and positions: they are stored in artifacts, so their values are frozen."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.document import (
    IdHasher,
    derived_doc_id,
    derived_doc_ids,
    doc_id_from_input_id,
    position,
    split_position,
)


def test_ids_have_the_values_that_artifacts_hold():
    assert IdHasher("web", "a/b.jsonl").at(7).hex() == "e5af5d46a3d7a0defcd817b9c8656004"
    assert doc_id_from_input_id("web", "x").hex() == "2be96cb030f18df748039c363f95200b"
    assert derived_doc_id((bytes(16), bytes(range(16))), 3).hex() == "bf27f52bbb15f32089fe1af09ba29c57"


def test_source_path_position_and_way_of_making_part_ids():
    ids = [
        IdHasher("web", "a").at(0),
        IdHasher("web", "a").at(1),
        IdHasher("web", "b").at(0),
        IdHasher("other", "a").at(0),
        doc_id_from_input_id("web", "a"),
        doc_id_from_input_id("weba", ""),
        derived_doc_id((bytes(16),), 0),
        derived_doc_id((bytes(16), bytes(16)), 0),
    ]
    assert len(set(ids)) == len(ids)
    assert {len(doc_id) for doc_id in ids} == {16}


def test_many_derived_ids_are_those_of_one_parent_each():
    parents = [bytes(16), bytes(range(16))]
    assert derived_doc_ids(parents, [1, 2]).to_pylist() == [
        derived_doc_id((parents[0],), 1),
        derived_doc_id((parents[1],), 2),
    ]
    with pytest.raises(ValueError, match="zip"):
        derived_doc_ids(parents, [1])


def test_the_position_counts_in_all_its_bytes():
    assert IdHasher("s", "p").at(1) != IdHasher("s", "p").at(1 << 40)
    with pytest.raises(OverflowError):
        IdHasher("s", "p").at(1 << 64)


@given(st.lists(st.tuples(st.integers(0, (1 << 32) - 1), st.integers(0, (1 << 32) - 1)), min_size=1, max_size=20))
def test_positions_sort_as_shard_and_row_do(places):
    numbers = [position(shard, row) for shard, row in places]
    assert [split_position(number) for number in numbers] == places
    assert [split_position(number) for number in sorted(numbers)] == sorted(places)
    assert max(numbers) < 1 << 64
