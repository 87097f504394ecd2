"""The threshold against a plain walk, the published script's results, and its own laws."""

import json
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from operators.select.share_threshold import ShareThreshold, keys_of, score_of
from pipeline.errors import OperatorError
from pipeline.operator import TaskInputs

ORACLE = Path(__file__).parents[4] / ".." / "shared" / "vectors" / "preselect_threshold_oracle.jsonl"
Rows = list[tuple[float | None, int | None]]

SCORES = st.one_of(
    st.sampled_from([-1.5, -0.0, 0.0, 0.25, 0.5]), st.floats(width=32, allow_nan=False, allow_infinity=False)
)
ROWS = st.lists(st.tuples(SCORES, st.integers(0, 50)), min_size=1, max_size=40)


class Shards:
    """Rows in shards, as the engine hands them to a task."""

    def __init__(self, *shards: Rows) -> None:
        self._batches = [
            pa.record_batch(
                {
                    "score": pa.array([s for s, _ in shard], pa.float32()),
                    "num_chars": pa.array([w for _, w in shard], pa.int64()),
                }
            )
            for shard in shards
        ]

    @property
    def schema(self) -> pa.Schema:
        return self._batches[0].schema

    def batches(self, columns: tuple[str, ...] | None = None) -> Iterator[tuple[int, pa.RecordBatch]]:
        for shard, batch in enumerate(self._batches):
            yield shard, batch.select(list(columns or batch.schema.names))


def find(folder: Path, share: float, *shards: Rows) -> dict[str, float]:
    operator = ShareThreshold(column="score", share=share)
    inputs = TaskInputs(rows=Shards(*shards), tables={}, base_rows=(), directory=folder)
    assert list(operator.open()(inputs)) == []
    assert [path.name for path in folder.iterdir()] == ["threshold.json"]
    return json.loads((folder / "threshold.json").read_text())


def plain_threshold(rows: Rows, share: float) -> float:
    total = sum(weight for _, weight in rows)
    walked = 0
    ordered = sorted(rows, key=lambda row: -np.float32(row[0]))
    for score, weight in ordered:
        walked += weight
        if walked > Fraction(repr(share)) * total:
            return float(np.float32(score))
    return float(np.float32(ordered[-1][0]))


@settings(deadline=None, max_examples=40)  # the first call compiles
@given(rows=ROWS, share=st.sampled_from([0.01, 0.07, 0.1, 0.29, 0.3, 0.5, 0.999, 1.0]))
def test_agrees_with_a_plain_walk(tmp_path_factory: pytest.TempPathFactory, rows: Rows, share: float) -> None:
    found = find(tmp_path_factory.mktemp("walk"), share, rows)
    threshold = plain_threshold(rows, share)
    total = sum(weight for _, weight in rows)
    kept = sum(weight for score, weight in rows if np.float32(score) >= np.float32(threshold))
    assert found == {
        "column": "score",
        "threshold": threshold,
        "share": share,
        "kept_share": kept / total if total else 1.0,
        "num_documents": len(rows),
        "total_weight": total,
    }


@settings(deadline=None, max_examples=30)
@given(rows=ROWS, cut=st.integers(0, 40), order=st.randoms(use_true_random=False))
def test_sharding_and_order_change_no_byte(
    tmp_path_factory: pytest.TempPathFactory, rows: Rows, cut: int, order: object
) -> None:
    whole, split = tmp_path_factory.mktemp("whole"), tmp_path_factory.mktemp("split")
    find(whole, 0.3, rows)
    shuffled = list(rows)
    order.shuffle(shuffled)
    find(split, 0.3, shuffled[:cut], shuffled[cut:])
    assert (whole / "threshold.json").read_bytes() == (split / "threshold.json").read_bytes()


def oracle() -> list[dict[str, object]]:
    if not ORACLE.is_file():
        return []
    rows = [json.loads(line) for line in ORACLE.read_text().splitlines()]
    return [row for row in rows if row["threshold"] is not None]


@pytest.mark.skipif(not ORACLE.is_file(), reason="../shared/vectors is absent")
@pytest.mark.parametrize("case", oracle(), ids=lambda case: case["name"])
def test_agrees_with_the_published_script(tmp_path: Path, case: dict[str, object]) -> None:
    shards = [[(row["score"], row["chars"]) for row in shard] for shard in case["shards"]]
    assert find(tmp_path, case["percentage"], *shards)["threshold"] == np.float32(case["threshold"])


def test_a_share_is_the_decimal_number_written(tmp_path: Path) -> None:
    # 0.29 * 100 is 28.999999999999996 in binary: 29 would then exceed it.
    assert find(tmp_path, 0.29, [(0.9, 29), (0.8, 71)])["threshold"] == np.float32(0.8)


def test_a_share_of_documents_weighs_each_the_same(tmp_path: Path) -> None:
    operator = ShareThreshold(column="score", weight=None, share=0.4)
    assert operator.requires().names == ["score"]
    rows = Shards([(0.9, 1000), (0.8, 1), (None, 1)], [(0.7, 1), (0.6, 1), (0.5, 1)])
    assert list(operator.open()(TaskInputs(rows=rows, tables={}, base_rows=(), directory=tmp_path))) == []
    found = json.loads((tmp_path / "threshold.json").read_text())
    assert (found["threshold"], found["total_weight"]) == (float(np.float32(0.7)), 5)


def test_all_ties_are_kept(tmp_path: Path) -> None:
    found = find(tmp_path, 0.1, [(0.5, 10)] * 9 + [(0.4, 10)])
    assert (found["threshold"], found["kept_share"]) == (0.5, 0.9)


def test_the_whole_pool_is_kept_by_its_lowest_score(tmp_path: Path) -> None:
    assert find(tmp_path, 1.0, [(0.5, 10), (-3.0, 0), (0.25, 1)])["threshold"] == -3.0


def test_rows_without_score_are_ignored(tmp_path: Path) -> None:
    found = find(tmp_path, 0.5, [(None, 1000), (float("nan"), 1000), (float("inf"), 1000), (0.5, 10), (0.25, None)])
    assert (found["num_documents"], found["total_weight"], found["threshold"]) == (2, 10, 0.5)


def test_a_pool_without_scores_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match="rows with a finite 'score'"):
        find(tmp_path, 0.5, [(None, 1)])


def test_a_negative_weight_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match="shard 1: expected 'num_chars' not to be negative; found -2"):
        find(tmp_path, 0.5, [(0.5, 1)], [(0.5, -2)])


@given(scores=st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=2, max_size=2))
def test_keys_sort_as_scores_and_come_back(scores: list[float]) -> None:
    array = np.array(scores, np.float32)
    low, high = keys_of(array)
    assert (low < high, low == high) == (array[0] < array[1], array[0] == array[1])
    assert score_of(low) == array[0]
