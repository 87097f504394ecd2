"""Best fit, against slow and obvious Python. What it shares with other ways to pack is in test_packing."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from operators.pack.best_fit import BestFit, best_fit_bins
from tests.unit.operators.pack.packed import PAD, documents, packed
from tests.unit.operators.pack.placed import groups

CAPACITY = 17


def plain_best_fit(lengths: list[int]) -> list[list[int]]:
    bins: list[list[int]] = []
    space: list[int] = []
    since: list[int] = []
    for clock, piece in enumerate(sorted(range(len(lengths)), key=lambda piece: -lengths[piece])):
        fitting = [b for b in range(len(bins)) if space[b] >= lengths[piece]]
        if fitting:
            b = min(fitting, key=lambda b: (space[b], -since[b]))
        else:
            b = len(bins)
            bins.append([])
            space.append(CAPACITY)
            since.append(0)
        bins[b].append(piece)
        space[b] -= lengths[piece]
        since[b] = clock
    return sorted(sorted(one) for one in bins)


@settings(deadline=None)  # the first call compiles
@given(lengths=st.lists(st.integers(1, CAPACITY), max_size=40))
def test_agrees_with_plain(lengths: list[int]) -> None:
    assert groups(best_fit_bins(np.array(lengths, np.int64), CAPACITY)) == plain_best_fit(lengths)


def test_takes_the_tightest_window() -> None:
    # 7 and 6 open windows with 3 and 4 free; the 3 must go beside the 7, the 4 beside the 6.
    assert groups(best_fit_bins(np.array([4, 3, 6, 7], np.int64), 10)) == [[0, 2], [1, 3]]


@pytest.mark.parametrize("window", [1 << 20, 1 << 22])
def test_windows_of_a_million_tokens(window: int) -> None:
    lengths = np.random.default_rng(0).integers(1, window, 400)
    windows = BestFit(window=window).windows(lengths)
    filled = np.add.reduceat(windows.pieces.length, windows.bounds[:-1])
    assert filled.max() <= window
    assert filled.sum() == lengths.sum()
    # Two windows that are half empty would have been one.
    assert (filled <= window // 2).sum() <= 1
    assert sorted(windows.pieces.document) == list(range(400))


def test_documents_stay_whole_and_windows_follow_the_shard() -> None:
    batch = documents([4, 3, 6, 12])
    table = packed(BestFit(window=10, pad_token=PAD), batch.slice(0, 2), batch.slice(2))
    ids = batch["doc_id"].to_pylist()
    # 12 is cut into a full window and a rest of 2, which the window with 4 and 6 cannot take.
    assert table["doc_ids"].to_pylist() == [[ids[0], ids[2]], [ids[1], ids[3]], [ids[3]]]
    assert table["input_ids"].to_pylist() == [
        [0, 1, 2, 3, 7, 8, 9, 10, 11, 12],
        [4, 5, 6, 23, 24, PAD, PAD, PAD, PAD, PAD],
        list(range(13, 23)),
    ]
    assert table["position_ids"].to_pylist()[:2] == [[*range(4), *range(6)], [0, 1, 2, 0, 1, 0, 0, 0, 0, 0]]
    assert table["segment_ids"].to_pylist() == [[1] * 4 + [2] * 6, [1] * 3 + [2] * 2 + [0] * 5, [1] * 10]
    assert table["loss_mask"].to_pylist() == [
        [0, 1, 1, 1, 0, 1, 1, 1, 1, 1],
        [0, 1, 1, 0, 1, 0, 0, 0, 0, 0],
        [0, *[1] * 9],
    ]
    assert table["num_tokens"].to_pylist() == [10, 5, 10]
    assert table["num_continued"].to_pylist() == [0, 1, 0]


def test_an_extra_token_makes_room_for_a_document_longer_by_one() -> None:
    table = packed(BestFit(window=4, extra_token=1, pad_token=PAD), documents([5, 2]))
    assert table["input_ids"].to_pylist() == [[0, 1, 2, 3, 4], [5, 6, PAD, PAD, PAD]]
