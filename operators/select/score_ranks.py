"""The scores at given ranks of a pool, exactly and over all of it, in two passes and memory that rows do not add to."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import numpy.typing as npt

from operators.select.share_threshold import HALF_BITS, HALF_SIZE, Keys, score_of

Counts = npt.NDArray[np.int64]


def scores_at_ranks(
    scored: Callable[[], Iterator[tuple[str, Keys]]], ranks_of: Callable[[int], Sequence[int]]
) -> dict[str, tuple[int, list[float]]]:
    """By group: how many rows it has, and its scores at the ranks that `ranks_of` names for so many rows.

    Args:
        scored: groups with sortable keys of their rows' scores, as `keys_of` makes them; called once for each of two
            passes.
        ranks_of: ranks from the lowest score, counted from 1.
    """
    uppers: dict[str, Counts] = {}  # (65536,) rows by the upper half of their key
    for group, keys in scored():
        uppers.setdefault(group, np.zeros(HALF_SIZE, np.int64))
        uppers[group] += np.bincount(keys >> np.uint32(HALF_BITS), minlength=HALF_SIZE)
    sizes = {group: int(counts.sum()) for group, counts in uppers.items()}
    places = {group: [_place_of(uppers[group], rank) for rank in ranks_of(size)] for group, size in sizes.items()}
    del uppers

    highs = {group: sorted({high for high, _ in found}) for group, found in places.items()}
    lowers = {(group, high): np.zeros(HALF_SIZE, np.int64) for group, found in highs.items() for high in found}
    for group, keys in scored():
        for high in highs[group]:
            inside = keys[keys >> np.uint32(HALF_BITS) == high] & np.uint32(HALF_SIZE - 1)
            lowers[group, high] += np.bincount(inside, minlength=HALF_SIZE)

    def score(group: str, high: int, rank: int) -> float:
        low, _ = _place_of(lowers[group, high], rank)
        return float(score_of(np.uint32(high << HALF_BITS | low)))

    return {group: (size, [score(group, *place) for place in places[group]]) for group, size in sizes.items()}


def _place_of(counts: Counts, rank: int) -> tuple[int, int]:
    """The place where the `rank`-th row from below is, counted from 1, and its rank among those of that place."""
    upwards = np.cumsum(counts)
    place = int(np.searchsorted(upwards, rank))
    return place, rank - int(upwards[place] - counts[place])
