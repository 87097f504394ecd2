"""The rule by which near-duplicates are removed, as a kernel over the documents of one cluster after the other.

Documents come in survivor order. The first `H` of each bucket are its hubs: with them, or what stands for them, later
documents of the bucket are compared. Nothing else of a document is kept, so memory follows the hubs of one cluster.

Arrays: D rows of a batch, B bands, V values of a signature, H hubs of a bucket, T slots of the table, N hubs of a
cluster, S shingles of these hubs. Ids are two words of 8 bytes.
"""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from operators.dedup.decision_memory import NUM_HUBS, NUM_KEYS, NUM_SHINGLES, SERIAL, STAMP, BucketTable, Hubs, Memory
from operators.dedup.jaccard import jaccard
from pipeline.hashing import GOLDEN_RATIO, mix64
from pipeline.kernel import borrowing_kernel, inline_kernel

BY_SIGNATURE: Final = 0
BY_SHINGLES: Final = 1
UNVERIFIED: Final = 2

WordArray = npt.NDArray[np.uint16] | npt.NDArray[np.uint64]

_NOBODY: Final = -1.0
"""Less than every similarity: nobody to compare with."""


class Members(NamedTuple):
    """Rows of clusters in survivor order, rows of a cluster side by side."""

    begins: npt.NDArray[np.bool_]  # (D,) whether a cluster begins here
    buckets: npt.NDArray[np.uint64]  # (D, B)
    signatures: npt.NDArray[np.uint16]  # (D, V)
    present: npt.NDArray[np.bool_]  # (D,) whether there are buckets and a signature
    ids: npt.NDArray[np.uint64]  # (D, 2)
    positions: npt.NDArray[np.uint64]  # (D,)
    shingles: npt.NDArray[np.uint32]  # sets one after the other, ascending
    shingle_starts: npt.NDArray[np.int64]  # (D,)
    shingle_ends: npt.NDArray[np.int64]  # (D,)


class Rule(NamedTuple):
    """What decides."""

    verify: int
    """BY_SIGNATURE, BY_SHINGLES or UNVERIFIED."""
    verify_at: float
    seed: int
    """Of the hash that chooses one of a document's candidates."""


class Decisions(NamedTuple):
    """What the kernel writes. NaN stands for a similarity that nobody has measured."""

    removed: npt.NDArray[np.bool_]  # (D,)
    survivor: npt.NDArray[np.uint64]  # (D, 2) where removed
    similarity: npt.NDArray[np.float32]  # (D,)
    cluster_id: npt.NDArray[np.uint64]  # (D, 2)
    distance: npt.NDArray[np.float32]  # (D,)
    has_candidate: npt.NDArray[np.bool_]  # (D,)
    candidate: npt.NDArray[np.uint64]  # (D,)
    candidate_similarity: npt.NDArray[np.float32]  # (D,)
    bucket_size: npt.NDArray[np.uint32]  # (D,) 0 without a signature


def undecided(num_rows: int) -> Decisions:
    """Room for the decisions on so many rows, null everywhere."""
    return Decisions(
        removed=np.zeros(num_rows, np.bool_),
        survivor=np.zeros((num_rows, 2), np.uint64),
        similarity=np.full(num_rows, np.nan, np.float32),
        cluster_id=np.zeros((num_rows, 2), np.uint64),
        distance=np.full(num_rows, np.nan, np.float32),
        has_candidate=np.zeros(num_rows, np.bool_),
        candidate=np.zeros(num_rows, np.uint64),
        candidate_similarity=np.full(num_rows, np.nan, np.float32),
        bucket_size=np.zeros(num_rows, np.uint32),
    )


@inline_kernel
def _copy(source: WordArray, row: np.uintp, target: WordArray, number: np.uintp) -> None:
    """Copies a row of W words; a loop, since assigning slices costs ten times as much."""
    for index in range(source.shape[1]):
        target[number, np.uintp(index)] = source[row, np.uintp(index)]


@inline_kernel
def _estimate(hubs: Hubs, hub: np.uintp, members: Members, row: np.uintp) -> float:
    """The share of equal values of two signatures, which estimates their Jaccard similarity; 0 if one has none."""
    if not (members.present[row] and hubs.present[hub]):
        return 0.0
    num_values = members.signatures.shape[1]
    num_equal = 0
    for index in range(num_values):
        value = np.uintp(index)
        num_equal += hubs.signatures[hub, value] == members.signatures[row, value]
    return float(num_equal / num_values)


@inline_kernel
def _similarity(hubs: Hubs, hub: np.uintp, members: Members, row: np.uintp, verify: int) -> float:
    """What is held against the threshold: the estimate, or the exact similarity of two sets of shingles."""
    if verify != BY_SHINGLES:
        return _estimate(hubs, hub, members, row)
    ours = members.shingles[members.shingle_starts[row] : members.shingle_ends[row]]
    theirs = hubs.shingles[hubs.shingle_bounds[hub, np.uintp(0)] : hubs.shingle_bounds[hub, np.uintp(1)]]
    return jaccard(ours, theirs)


@inline_kernel
def _pair_hash(half: np.uint64, ids: npt.NDArray[np.uint64], row: np.uintp) -> np.uint64:
    """Adds an id to a hash."""
    return mix64(mix64(half ^ ids[row, np.uintp(0)]) + GOLDEN_RATIO ^ ids[row, np.uintp(1)])


@inline_kernel
def _slot_of(key: np.uint64, table: BucketTable, state: npt.NDArray[np.uintp]) -> np.uintp:
    """The slot of a bucket, which is empty and taken now if the bucket is new."""
    mask = np.uintp(table.keys.shape[0] - 1)
    stamp = np.uint32(state[STAMP])
    slot = np.uintp(key) & mask
    while table.stamps[slot] == stamp and table.keys[slot] != key:
        slot = (slot + np.uintp(1)) & mask
    if table.stamps[slot] != stamp:
        table.stamps[slot] = stamp
        table.keys[slot] = key
        table.sizes[slot] = np.uint32(0)
        state[NUM_KEYS] += np.uintp(1)
    return slot


@inline_kernel
def _enter(members: Members, row: np.uintp, memory: Memory, slots: npt.NDArray[np.uintp]) -> bool:
    """Notes the slots of a document's buckets; whether it is among the first of one. Buckets do not count it yet."""
    is_hub = bool(members.begins[row])
    if members.present[row]:
        for index in range(slots.shape[0]):
            band = np.uintp(index)
            slots[band] = _slot_of(members.buckets[row, band], memory.table, memory.state)
            is_hub |= memory.table.sizes[slots[band]] < memory.table.hubs.shape[1]
    return is_hub


@inline_kernel
def _meet(
    members: Members, row: np.uintp, rule: Rule, memory: Memory, slots: npt.NDArray[np.uintp], out: Decisions
) -> tuple[float, np.uintp]:
    """Compares a document with what stands for its candidates: the best similarity, and whose. Chooses a candidate."""
    table, hubs = memory.table, memory.hubs
    serial = np.uint32(memory.state[SERIAL])
    half = _pair_hash(mix64(np.uint64(rule.seed) + GOLDEN_RATIO), members.ids, row)
    smallest = np.uint64(0)
    chosen = np.uintp(0)
    best = _NOBODY
    nearest = np.uintp(0)
    for band in range(slots.shape[0]):
        slot = slots[np.uintp(band)]
        for place in range(min(table.sizes[slot], table.hubs.shape[1])):
            candidate = np.uintp(table.hubs[slot, np.uintp(place)])
            if hubs.met_by[candidate] == serial:
                continue
            hubs.met_by[candidate] = serial
            drawn = _pair_hash(half, hubs.ids, candidate)
            if not out.has_candidate[row] or drawn < smallest:
                out.has_candidate[row] = True
                smallest = drawn
                chosen = candidate
            stand_in = np.uintp(hubs.stand_ins[candidate])
            if rule.verify == UNVERIFIED or hubs.compared_with[stand_in] == serial:
                continue
            hubs.compared_with[stand_in] = serial
            similarity = _similarity(hubs, stand_in, members, row, rule.verify)
            # Hubs are numbered in survivor order: of the equally similar the first is named.
            if similarity > best or (similarity == best and stand_in < nearest):
                best = similarity
                nearest = stand_in
    if out.has_candidate[row]:
        out.candidate[row] = hubs.positions[chosen]
        out.candidate_similarity[row] = _estimate(hubs, chosen, members, row)
    return best, nearest


@inline_kernel
def _join(members: Members, row: np.uintp, memory: Memory, slots: npt.NDArray[np.uintp]) -> np.uint32:
    """Counts the document in its buckets, as a hub where it is among the first; the size of the largest so far."""
    table = memory.table
    largest = np.uint32(0)
    number = np.uint32(memory.state[NUM_HUBS])
    if members.present[row]:
        for band in range(slots.shape[0]):
            slot = slots[np.uintp(band)]
            size = np.uintp(table.sizes[slot])
            if size < np.uintp(table.hubs.shape[1]):
                table.hubs[slot, size] = number
            table.sizes[slot] += np.uint32(1)
            largest = max(largest, table.sizes[slot])
    return largest


@inline_kernel
def _keep_hub(members: Members, row: np.uintp, stand_in: np.uintp, memory: Memory, verify: int) -> None:
    """Keeps of a document what later ones are compared with. A removed one is never compared by its shingles."""
    hubs, state = memory.hubs, memory.state
    number = state[NUM_HUBS]
    _copy(members.signatures, row, hubs.signatures, number)
    hubs.present[number] = members.present[row]
    _copy(members.ids, row, hubs.ids, number)
    hubs.positions[number] = members.positions[row]
    hubs.stand_ins[number] = np.uint32(stand_in)
    hubs.met_by[number] = np.uint32(0)
    hubs.compared_with[number] = np.uint32(0)
    if verify == BY_SHINGLES and stand_in == number:
        start = state[NUM_SHINGLES]
        for index in range(members.shingle_starts[row], members.shingle_ends[row]):
            hubs.shingles[state[NUM_SHINGLES]] = members.shingles[np.uintp(index)]
            state[NUM_SHINGLES] += np.uintp(1)
        hubs.shingle_bounds[number, np.uintp(0)] = start
        hubs.shingle_bounds[number, np.uintp(1)] = state[NUM_SHINGLES]
    state[NUM_HUBS] += np.uintp(1)


@inline_kernel
def _decide_one(
    members: Members, row: np.uintp, rule: Rule, memory: Memory, slots: npt.NDArray[np.uintp], out: Decisions
) -> None:
    hubs, state = memory.hubs, memory.state
    state[SERIAL] += np.uintp(1)
    is_hub = _enter(members, row, memory, slots)
    best, nearest = _NOBODY, np.uintp(0)
    if members.present[row]:
        best, nearest = _meet(members, row, rule, memory, slots, out)
    is_first = members.begins[row]
    to_first = 0.0 if is_first else _estimate(hubs, np.uintp(0), members, row)
    if rule.verify == UNVERIFIED and not is_first:
        best, nearest = to_first, np.uintp(0)
    removed = not is_first if rule.verify == UNVERIFIED else best >= rule.verify_at
    stand_in = nearest if removed else state[NUM_HUBS]
    out.removed[row] = removed
    if removed:
        _copy(hubs.ids, nearest, out.survivor, row)
    if best != _NOBODY:
        out.similarity[row] = best
    out.bucket_size[row] = _join(members, row, memory, slots)
    if is_hub:
        _keep_hub(members, row, stand_in, memory, rule.verify)
    _copy(hubs.ids, np.uintp(0), out.cluster_id, row)
    if members.present[row] and hubs.present[np.uintp(0)]:
        out.distance[row] = 0.0 if is_first else 1.0 - to_first


@inline_kernel
def _has_room(members: Members, row: np.uintp, memory: Memory) -> bool:
    """Whether memory surely holds what the row may add. The table stays half empty."""
    table, hubs, state = memory.table, memory.hubs, memory.state
    num_bands = np.uintp(members.buckets.shape[1])
    num_keys = state[NUM_KEYS] + num_bands
    num_shingles = np.uintp(members.shingle_ends[row] - members.shingle_starts[row])
    return bool(
        num_keys + num_keys <= np.uintp(table.keys.shape[0])
        and state[NUM_HUBS] < np.uintp(hubs.positions.shape[0])
        and state[NUM_SHINGLES] + num_shingles <= np.uintp(hubs.shingles.shape[0])
    )


@borrowing_kernel
def decide(members: Members, begin: int, rule: Rule, memory: Memory, is_grown: bool, out: Decisions) -> int:
    """Decides rows from `begin` on, until all are done or memory must change; returns the first row not decided.

    Memory must change where it has no room for the row, and, if it `is_grown`, where the next cluster begins.
    """
    state, slots = memory.state, memory.slots
    for index in range(begin, members.begins.shape[0]):
        row = np.uintp(index)
        if members.begins[row]:
            if is_grown and state[NUM_HUBS]:
                return index
            state[STAMP] += np.uintp(1)
            state[NUM_KEYS] = state[NUM_HUBS] = state[NUM_SHINGLES] = np.uintp(0)
        if not _has_room(members, row, memory):
            return index
        _decide_one(members, row, rule, memory, slots, out)
    return int(members.begins.shape[0])
