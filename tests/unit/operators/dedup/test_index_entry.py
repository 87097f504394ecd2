"""Rows of an index: what was decided, under names of its own."""

import pyarrow as pa

from operators.dedup.index_entry import INDEX_COLUMNS, IndexEntry

SCHEMA = IndexEntry(settings="seed=1").requires()
BATCH = pa.RecordBatch.from_pylist(
    [
        {"survivor": b"s" * 16, "cluster_id": b"c" * 16, "cluster_size": 3},
        {"survivor": None, "cluster_id": b"c" * 16, "cluster_size": 3},
        {"survivor": None, "cluster_id": None, "cluster_size": None},
    ],
    SCHEMA,
)


def test_an_entry_keeps_what_was_decided_with_generation_and_settings() -> None:
    rows = IndexEntry(settings="seed=1", generation=4).open()(BATCH).to_pylist()
    assert [(row["known_survivor"], row["known_cluster_id"], row["known_cluster_size"]) for row in rows] == [
        (b"s" * 16, b"c" * 16, 3),
        (None, b"c" * 16, 3),
        (None, None, None),
    ]
    assert {(row["generation"], row["signature_settings"]) for row in rows} == {(4, "seed=1")}


def test_columns_of_an_index_clash_with_none_of_a_build() -> None:
    assert not set(INDEX_COLUMNS) & set(SCHEMA.names)
