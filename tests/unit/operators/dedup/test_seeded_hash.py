"""Draws depend on the seed and the id alone."""

import pyarrow as pa
import xxhash

from operators.dedup.seeded_hash import seeded_hashes

IDS = pa.array([xxhash.xxh3_128_digest(str(number).encode()) for number in range(100)], pa.binary(16))


def test_a_draw_is_the_same_wherever_the_document_stands() -> None:
    whole = seeded_hashes(IDS, 1).tolist()
    assert len(set(whole)) == 100
    assert seeded_hashes(IDS.slice(40, 20), 1).tolist() == whole[40:60]
    assert not set(whole) & set(seeded_hashes(IDS, 2).tolist())
