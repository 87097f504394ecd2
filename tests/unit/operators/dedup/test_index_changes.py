"""Changes of old documents: new clusters, larger ones, and removals in retrospect."""

import pyarrow as pa

from operators.dedup.index_changes import IndexChanges

OLD, NEW = b"o" * 16, b"n" * 16
UNCHANGED = {
    "generation": 0,
    "survivor": None,
    "known_survivor": None,
    "cluster_id": OLD,
    "known_cluster_id": OLD,
    "cluster_size": 2,
    "known_cluster_size": 2,
}
ALONE = UNCHANGED | dict.fromkeys(("cluster_id", "known_cluster_id", "cluster_size", "known_cluster_size"))


def changes(*rows: dict[str, object]) -> list[dict[str, object]]:
    named = [{"doc_id": bytes([number]) * 16, **row} for number, row in enumerate(rows)]
    batch = pa.RecordBatch.from_pylist(named, IndexChanges().requires())
    return [row for part in IndexChanges().open()(iter([batch])) for row in part.to_pylist()]


def test_what_did_not_change_and_new_documents_are_not_told() -> None:
    new = UNCHANGED | {"generation": None, "known_cluster_id": None, "known_cluster_size": None, "survivor": OLD}
    removed_before = UNCHANGED | {"survivor": OLD, "known_survivor": OLD}
    assert changes(UNCHANGED, ALONE, new, removed_before) == []


def test_clusters_that_grew_appeared_or_joined_another_are_told() -> None:
    found = changes(
        UNCHANGED | {"cluster_size": 3},
        ALONE | {"cluster_id": NEW, "cluster_size": 2},
        UNCHANGED | {"cluster_id": NEW, "cluster_size": 5},
    )
    assert [tuple(row.values())[1:] for row in found] == [
        (OLD, OLD, 2, 3, False),
        (None, NEW, None, 2, False),
        (OLD, NEW, 2, 5, False),
    ]
    assert [row["doc_id"] for row in found] == [bytes([number]) * 16 for number in range(3)]


def test_a_kept_document_that_would_go_now_is_removed_in_retrospect() -> None:
    (row,) = changes(UNCHANGED | {"survivor": NEW, "cluster_id": NEW})
    assert row["retro_removed"] is True
