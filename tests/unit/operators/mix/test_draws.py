"""Draws of one seed for different purposes have nothing to do with each other."""

from itertools import combinations

import numpy as np
import pyarrow as pa
import xxhash

from operators.mix.draws import Purpose, draws_of, draws_of_places

IDS = pa.array([xxhash.xxh3_128_digest(str(number).encode()) for number in range(20_000)], pa.binary(16))


def test_purposes_rounds_and_seeds_are_independent():
    draws = [draws_of(IDS, 1, purpose) for purpose in Purpose]
    draws += [
        draws_of(IDS, 1, Purpose.SUBSET, 1),
        draws_of(IDS, 2, Purpose.MIX),
        draws_of(IDS, (1 << 32) - 1, Purpose.MIX),
    ]
    for one, other in combinations(draws, 2):
        assert abs(np.corrcoef(one.astype(np.float64), other.astype(np.float64))[0, 1]) < 5 / np.sqrt(len(IDS))


def test_places_are_drawn_as_evenly_as_ids():
    draws = draws_of_places(np.arange(20_000, dtype=np.uint64), 1, Purpose.SHUFFLE)
    assert len(np.unique(draws)) == 20_000
    counts = np.bincount((draws >> np.uint64(60)).astype(np.int64), minlength=16)
    assert ((counts - 1250) ** 2 / 1250).sum() < 44  # chi-square of 15 degrees of freedom: one in ten thousand


def test_draws_are_frozen():
    """They decide which documents an artifact holds, and in which order."""
    found = [int(draws_of(IDS[:1], 1, purpose)[0]) for purpose in (Purpose.SPLIT, Purpose.SHUFFLE)]
    found.append(int(draws_of_places(np.array([5], np.uint64), 1, Purpose.SHUFFLE)[0]))
    assert found == FROZEN


FROZEN = [14459362010761393791, 2751538772285355672, 4806729643142774739]
