"""The kernel against the rule in plain Python, and the laws that follow from the rule."""

from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from operators.dedup.choose_survivors import DECISION_SCHEMA, ChooseSurvivors
from operators.dedup.signature import BUCKET_VALUE, BUCKETS, SIGNATURE, SIGNATURE_VALUE, buckets_type, signature_type

NUM_BANDS = NUM_VALUES = 4
LAWS = settings(deadline=None, derandomize=True, max_examples=150)


def doc_id(number):
    return (number * 0x9E3779B97F4A7C15F39CC0605CEDC835 % (1 << 128)).to_bytes(16, "little")


def document(number, cluster=0, buckets=(), signature=(0, 0, 0, 0), shingles=()):
    """Buckets are numbered within their band, as those of signatures are; `signature` None: no word was left."""
    padded = [*buckets, *(1000 + number for _ in range(NUM_BANDS - len(buckets)))]
    return {
        "cluster": cluster,
        BUCKETS: None if signature is None else [band << 32 | bucket for band, bucket in enumerate(padded)],
        SIGNATURE: signature,
        "doc_id": doc_id(number),
        "position": 100 + number,
        "shingles": sorted(shingles),
    }


SCHEMA = pa.schema(
    {
        "cluster": pa.uint64(),
        BUCKETS: buckets_type(NUM_BANDS),
        SIGNATURE: signature_type(NUM_VALUES),
        "doc_id": pa.binary(16),
        "position": pa.uint64(),
        "shingles": pa.list_(pa.uint32()),
    }
)


def stored(row):
    """The document as its columns hold it."""
    return row | {
        name: as_bytes(row[name], dtype) for name, dtype in ((BUCKETS, BUCKET_VALUE), (SIGNATURE, SIGNATURE_VALUE))
    }


def as_bytes(values, dtype):
    return None if values is None else np.array(values, dtype).tobytes()


def decided(documents, cuts=(), **fields):
    """The decisions as a list of dicts; the stream is cut at `cuts`."""
    operator = ChooseSurvivors(num_bands=NUM_BANDS, rows_per_band=1, **fields)
    batch = pa.RecordBatch.from_pylist([stored(row) for row in documents], SCHEMA)
    bounds = [0, *sorted(min(cut, len(documents)) for cut in cuts), len(documents)]
    stream = iter([batch.slice(start, end - start) for start, end in pairwise(bounds)])
    found = list(operator.open()(stream))
    assert all(part.schema == DECISION_SCHEMA for part in found)
    return pa.Table.from_batches(found, DECISION_SCHEMA).to_pylist()


def estimate(one, other):
    if one[SIGNATURE] is None or other[SIGNATURE] is None:
        return 0.0
    return sum(map(int.__eq__, one[SIGNATURE], other[SIGNATURE])) / NUM_VALUES


def exact(one, other):
    one, other = set(one["shingles"]), set(other["shingles"])
    return len(one & other) / len(one | other) if one & other else 0.0


def plainly_decided(documents, hubs, verify, verify_at):
    """The rule of the class docstring, with nothing but lists and dicts. Similarities in float32, as columns are."""
    decisions = []
    survivor_of, buckets, first_of = {}, {}, {}
    for place, current in enumerate(documents):
        own = [] if current[SIGNATURE] is None else current[BUCKETS]
        first = first_of.setdefault(current["cluster"], place)
        candidates = {candidate for bucket in own for candidate in buckets.get((current["cluster"], bucket), [])[:hubs]}
        stand_ins = {survivor_of.get(candidate, candidate) for candidate in candidates}
        measure = exact if verify == "jaccard" else estimate
        if verify == "off":
            stand_ins = {first} - {place}
        similarities = {other: measure(documents[other], current) for other in stand_ins}
        best = max(similarities.values(), default=None)
        if best is not None and (verify == "off" or best >= verify_at):
            survivor_of[place] = min(other for other in stand_ins if similarities[other] == best)
        for bucket in own:
            buckets.setdefault((current["cluster"], bucket), []).append(place)
        sizes = [len(buckets[current["cluster"], bucket]) for bucket in own]
        both = None not in (current[SIGNATURE], documents[first][SIGNATURE])
        decisions.append(
            {
                "position": current["position"],
                "survivor": documents[survivor_of[place]]["doc_id"] if place in survivor_of else None,
                "similarity": None if best is None else float(np.float32(best)),
                "cluster_id": documents[first]["doc_id"],
                "distance": 1 - estimate(documents[first], current) if both else None,
                "candidates": {documents[candidate]["position"] for candidate in candidates},
                "bucket_size": max(sizes, default=None),
            }
        )
    return decisions


@st.composite
def clusters(draw):
    """Documents of a few clusters, in survivor order, with so few buckets and values that they often meet."""
    names = sorted(draw(st.lists(st.integers(0, 2), max_size=14)))
    buckets = st.lists(st.integers(0, 2), min_size=NUM_BANDS, max_size=NUM_BANDS)
    signature = st.lists(st.integers(0, 1), min_size=NUM_VALUES, max_size=NUM_VALUES)
    return [
        document(
            number,
            cluster,
            draw(buckets),
            draw(st.one_of(signature, signature, signature, st.none())),
            draw(st.sets(st.integers(0, 5))),
        )
        for number, cluster in enumerate(names)
    ]


VERIFICATIONS = st.sampled_from(["signature", "jaccard", "off"])
THRESHOLDS = st.sampled_from([0.2, 0.5, 0.7, 0.75, 1.0])


@LAWS
@given(clusters(), st.integers(1, 4), VERIFICATIONS, THRESHOLDS)
def test_equals_the_rule_stated_plainly(documents, hubs, verify, verify_at):
    found = decided(documents, hubs=hubs, verify=verify, verify_at=verify_at)
    by_position = {row["position"]: row for row in documents}
    for row, expected in zip(found, plainly_decided(documents, hubs, verify, verify_at), strict=True):
        candidates = expected.pop("candidates")
        candidate, similarity = row.pop("candidate"), row.pop("candidate_similarity")
        assert row == expected
        assert (candidate in candidates) if candidates else candidate is None
        assert similarity == (estimate(by_position[row["position"]], by_position[candidate]) if candidates else None)


@LAWS
@given(clusters(), st.integers(1, 4), VERIFICATIONS, st.lists(st.integers(0, 14), max_size=5))
def test_cutting_the_stream_changes_nothing(documents, hubs, verify, cuts):
    assert decided(documents, cuts, hubs=hubs, verify=verify) == decided(documents, hubs=hubs, verify=verify)


@LAWS
@given(clusters(), st.integers(1, 4), VERIFICATIONS, st.integers(0, 14))
def test_later_documents_change_no_decision(documents, hubs, verify, num):
    earlier = decided(documents[:num], hubs=hubs, verify=verify)
    assert decided(documents, hubs=hubs, verify=verify)[: len(earlier)] == earlier


@LAWS
@given(clusters(), clusters(), st.integers(1, 4), st.sampled_from(["signature", "jaccard"]))
def test_documents_that_join_clusters_later_change_no_decision(old, new, hubs, verify):
    """A before B in the order: whatever of A the documents of B join, A's survivors are those of A alone."""
    kept_alone = {row["position"]: row["survivor"] for row in decided(old, hubs=hubs, verify=verify)}
    # B joins all clusters of A; within a bucket the documents are the same, since a bucket is of one cluster.
    joined = [{**row, "cluster": 0, BUCKETS: apart(row)} for row in old]
    added = [{**document(1000 + i), **row, "cluster": 0, "position": 5000 + i} for i, row in enumerate(new)]
    together = decided([*joined, *added], hubs=hubs, verify=verify)
    assert {row["position"]: row["survivor"] for row in together[: len(old)]} == kept_alone


def apart(row):
    """The buckets of a document, as no document of another cluster has them."""
    return None if row[BUCKETS] is None else [bucket + (row["cluster"] << 16) for bucket in row[BUCKETS]]


SAME = {"buckets": (1, 1, 1)}


def survivors(documents, **fields):
    """{document removed: (document that stays, similarity)}"""
    number_of = {row["doc_id"]: row["position"] - 100 for row in documents}
    return {
        row["position"] - 100: (number_of[row["survivor"]], row["similarity"])
        for row in decided(documents, **fields)
        if row["survivor"] is not None
    }


def test_the_first_of_a_cluster_stays():
    documents = [document(0, 3, **SAME), document(1, 3, **SAME), document(2, 8, **SAME), document(3, 8, **SAME)]
    assert survivors(documents) == {1: (0, 1.0), 3: (2, 1.0)}


def test_verify_at_is_the_least_similarity_that_removes():
    documents = [document(0, **SAME), document(1, **SAME, signature=(0, 0, 0, 9))]
    assert survivors(documents, verify_at=0.75) == {1: (0, 0.75)}
    assert survivors(documents, verify_at=0.7500001) == {}


def test_a_document_without_a_common_bucket_is_not_compared():
    assert survivors([document(0, buckets=(1,)), document(1, buckets=(2,))]) == {}


CHAIN = [
    document(number, buckets=buckets, signature=signature)
    for number, (buckets, signature) in enumerate(
        [((1, 9), (1, 2, 3, 4)), ((1, 1), (1, 2, 3, 0)), ((2, 1), (1, 2, 9, 0)), ((2, 2), (1, 8, 9, 0))]
    )
]
"""Neighbours share a bucket and three of four values; the first and the third share two."""


def test_a_chain_is_not_merged_from_end_to_end():
    # The second is removed, so the first stands for it: the third resembles that one too little.
    assert survivors(CHAIN) == {1: (0, 0.75), 3: (2, 0.75)}


def test_a_removed_candidate_is_stood_for_by_its_survivor():
    # The third meets the second alone, in whose place the first stays.
    documents = [*CHAIN[:2], document(2, buckets=(5, 1), signature=(1, 2, 3, 4))]
    assert survivors(documents) == {1: (0, 0.75), 2: (0, 1.0)}


def test_off_removes_all_but_the_first_of_each_cluster():
    assert survivors(CHAIN, verify="off") == {1: (0, 0.75), 2: (0, 0.5), 3: (0, 0.25)}


def test_only_the_first_of_a_bucket_are_candidates():
    values = [(1, 1, 1, 1), (2, 2, 2, 2), (3, 3, 3, 3), (3, 3, 3, 3)]
    documents = [document(number, **SAME, signature=signature) for number, signature in enumerate(values)]
    assert survivors(documents, hubs=3) == {3: (2, 1.0)}
    assert survivors(documents, hubs=2) == {}


def test_the_most_similar_is_named_and_of_equals_the_first():
    # The first two differ too much to be copies; the third equals the second, the fourth resembles both alike.
    values = [(1, 1, 2, 2), (1, 1, 1, 1), (1, 1, 1, 1), (1, 1, 1, 2)]
    documents = [document(number, **SAME, signature=signature) for number, signature in enumerate(values)]
    assert survivors(documents, verify_at=0.7) == {2: (1, 1.0), 3: (0, 0.75)}


def test_jaccard_is_exact_and_takes_nothing_from_signatures():
    documents = [
        document(0, **SAME, shingles={1, 2, 3}),
        document(1, **SAME, shingles={2, 3, 4}),
        document(2, **SAME, shingles={1, 2, 3, 4}),
    ]
    assert survivors(documents, verify="jaccard", verify_at=0.6) == {2: (0, 0.75)}
    assert decided(documents, verify="jaccard")[1]["similarity"] == 0.5


def test_null_shingles_resemble_nothing_even_with_values_behind_them():
    values, offsets = pa.array([1, 2, 1, 2], pa.uint32()), pa.array([0, 2, 4], pa.int32())
    shingles = pa.ListArray.from_arrays(offsets, values, mask=pa.array([False, True]))
    documents = pa.RecordBatch.from_pylist([stored(document(0, **SAME)), stored(document(1, **SAME))], SCHEMA)
    batch = documents.set_column(5, "shingles", shingles)
    operator = ChooseSurvivors(num_bands=NUM_BANDS, rows_per_band=1, verify="jaccard", verify_at=0.1)
    (found,) = operator.open()(iter([batch]))
    assert found["survivor"].to_pylist() == [None, None]


@pytest.mark.parametrize("verify", ["signature", "jaccard"])
def test_documents_without_signature_stay(verify):
    documents = [document(number, signature=None) for number in range(3)]
    assert survivors(documents, verify=verify) == {}


def test_a_bucket_that_all_documents_share_costs_its_hubs():
    documents = [document(number, buckets=(1,), signature=(number, 0, 0, 0)) for number in range(5000)]
    found = decided(documents, verify_at=0.9)
    assert [row["bucket_size"] for row in found] == list(range(1, 5001))
    assert {row["survivor"] for row in found[1:]} == {None}


@example(num=3000)  # more hubs, and more buckets, than memory has at first
@settings(deadline=None, derandomize=True, max_examples=5)
@given(st.integers(250, 600))
def test_memory_grows_with_a_cluster_and_ends_with_it(num):
    long = [document(number, 0, buckets=(number // 2,), signature=(number // 2, 0, 0, 0)) for number in range(num)]
    short = [document(num + number, 1, **SAME) for number in range(2)]
    found = survivors([*long, *short], cuts=(7, num // 2), verify_at=1)
    pairs = {odd: (odd - 1, 1.0) for odd in range(1, num, 2)}
    assert found == {**pairs, num + 1: (num, 1.0)}


def test_shingles_of_many_documents_are_remembered():
    # 40 sets of 3,000 are more than memory has at first; each comes twice.
    sets = [range(number * 10_000, number * 10_000 + 3000) for number in range(40)]
    documents = [document(number, **SAME, shingles=values) for number, values in enumerate([*sets, *sets])]
    found = survivors(documents, verify="jaccard", hubs=40)
    assert found == {number + 40: (number, 1.0) for number in range(40)}


def test_the_seed_chooses_the_candidate_and_no_more():
    documents = [document(number, **SAME, signature=(number, 1, 1, 1)) for number in range(30)]
    one, other = (decided(documents, hubs=20, seed=seed) for seed in (1, 2))
    assert [row["candidate"] for row in one] != [row["candidate"] for row in other]
    assert [row["survivor"] for row in one] == [row["survivor"] for row in other]
    assert len({row["candidate"] for row in one}) > 5


def test_notes_say_what_travels():
    (note,) = ChooseSurvivors(num_bands=14, rows_per_band=8).notes()
    assert "travels in 368 bytes" in note
    (note,) = ChooseSurvivors(num_bands=100, rows_per_band=4, verify="jaccard").notes()
    assert f"{32 + 800 + 512} bytes" in note
    assert "4 bytes a shingle" in note


def test_no_rows():
    assert decided([]) == []


@pytest.mark.parametrize("wrong", [{"verify_at": 0}, {"verify_at": 1.1}, {"hubs": 0}, {"verify": "words"}])
def test_refuses_settings_without_meaning(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        ChooseSurvivors(**wrong)
