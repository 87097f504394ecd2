"""Known clusters and what they add up to, however their rows are cut."""

from itertools import pairwise

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from operators.dedup.cluster_statistics import NUM_LARGEST, ClusterStatistics, tenths_of
from pipeline.document import DOC_ID_TYPE, POSITION_TYPE

SCHEMA = pa.schema(
    {
        "doc_id": DOC_ID_TYPE,
        "position": POSITION_TYPE,
        "cluster": POSITION_TYPE,
        "cluster_size": pa.uint32(),
        "cluster_id": DOC_ID_TYPE,
        "survivor": DOC_ID_TYPE,
        "distance": pa.float32(),
        "bucket_size": pa.uint32(),
    }
)


def doc_id(number):
    return number.to_bytes(16, "big")


def alone(place):
    return dict.fromkeys(SCHEMA.names) | {"doc_id": doc_id(place), "position": place}


def member(place, cluster, size, *, first=None, survivor=None, distance=0.0, bucket=2):
    return {
        "doc_id": doc_id(place),
        "position": place,
        "cluster": cluster,
        "cluster_size": size,
        "cluster_id": doc_id(cluster if first is None else first),
        "survivor": None if survivor is None else doc_id(survivor),
        "distance": distance,
        "bucket_size": bucket,
    }


def statistics(rows, cuts=()):
    batch = pa.RecordBatch.from_pylist(rows, SCHEMA)
    bounds = [0, *sorted(min(cut, len(rows)) for cut in cuts), len(rows)]
    found = ClusterStatistics()
    for start, end in pairwise(bounds):
        found.add(batch.slice(start, end - start))
    return found.to_json()


ROWS = [
    member(0, 0, 2),
    member(1, 0, 2, survivor=0, distance=0.1),
    alone(2),
    member(3, 3, 4, first=5, distance=0.7, bucket=3),
    member(4, 3, 4, first=5, survivor=5, distance=0.3),
    member(5, 3, 4, first=5, bucket=4),
    member(6, 3, 4, first=5, distance=None, bucket=None),
    alone(7),
]


def test_clusters_are_counted():
    found = statistics(ROWS)
    assert {name: found[name] for name in ("documents", "in_clusters", "clusters", "removed")} == {
        "documents": 8,
        "in_clusters": 6,
        "clusters": 2,
        "removed": 2,
    }
    assert found["kept_by_verification"] == 2, "documents 3 and 6 are not the first, and stay"
    assert found["cluster_sizes"] == [
        {"from": 2, "to": 3, "clusters": 1, "documents": 2},
        {"from": 4, "to": 7, "clusters": 1, "documents": 4},
    ]
    assert {entry["from"]: entry["documents"] for entry in found["distances"] if entry["documents"]} == {
        0.1: 1,
        0.3: 1,
        0.7: 1,
    }
    assert found["largest_distance"] == 0.7
    assert found["largest_buckets"] == [
        {"documents": 4, "doc_id": doc_id(5).hex()},
        {"documents": 2, "doc_id": doc_id(0).hex()},
    ]


def test_nothing_is_a_report_too():
    for rows in ([], [alone(0)]):
        found = statistics(rows)
        assert (found["documents"], found["clusters"]) == (len(rows), 0)
        assert (found["cluster_sizes"], found["largest_buckets"]) == ([], [])
        assert found["largest_distance"] is None


@settings(deadline=None, derandomize=True, max_examples=60)
@given(
    rows=st.lists(st.tuples(st.integers(0, 40), st.integers(1, 9)), max_size=120),
    cuts=st.lists(st.integers(0, 120), max_size=6),
)
def test_the_largest_bucket_of_each_cluster_is_found_in_any_batches(rows, cuts):
    rows = [member(place, cluster, 2, bucket=bucket) for place, (cluster, bucket) in enumerate(rows)]
    best = {}
    for row in rows:
        known = best.get(row["cluster"])
        if known is None or row["bucket_size"] > known["bucket_size"]:
            best[row["cluster"]] = row
    largest = sorted(best.values(), key=lambda row: (-row["bucket_size"], row["cluster"]))[:NUM_LARGEST]
    found = statistics(rows, cuts)
    assert found == statistics(rows)
    assert found["largest_buckets"] == [
        {"documents": row["bucket_size"], "doc_id": row["doc_id"].hex()} for row in largest
    ]


def test_tenths_are_those_of_the_fractions_that_are_meant():
    shares = np.float64([0.0, 0.1, np.float32(0.3), np.float32(0.7), 0.6999, 0.95, 1.0])
    assert tenths_of(np.array(shares)).tolist() == [0, 1, 3, 7, 6, 9, 9]
