"""The order of rows against a comparison of all columns, row by row."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.execution.row_order import RowOrder, leading_words
from pipeline.operator import REMOVAL_SCHEMA
from pipeline.plan.logical import Exchange, SortKey
from pipeline.plan.stages import Partitioning

TOP = (1 << 64) - 1
WORDS = st.sampled_from([0, 1, 2, 1 << 32, (1 << 32) + 1, 1 << 63, TOP - 1, TOP]) | st.integers(0, TOP)
ROWS = st.lists(st.tuples(WORDS, st.none() | st.sampled_from([0.5, -1.0, 2.0]), st.integers(0, 3)), max_size=30)


def batch_of(rows, *, wide=False):
    """Rows of (key, score, position); a wide key's second half holds the number's last bits."""
    keys = [key for key, _, _ in rows]
    if wide:
        column = pa.array([(key >> 8).to_bytes(8, "big") + bytes([key & 0xFF] * 8) for key in keys], pa.binary(16))
    else:
        column = pa.array(keys, pa.uint64())
    scores, positions = ([row[i] for row in rows] for i in (1, 2))
    return pa.record_batch(
        [column, pa.array(scores, pa.float64()), pa.array(positions, pa.uint64())], ["key", "score", "position"]
    )


def order_by(*sort, key="key", names=("key", "score", "position")):
    schema = pa.schema([pa.field(name, pa.uint64()) for name in names])
    return RowOrder.of(Partitioning(key, Exchange(key=key, sort=tuple(map(SortKey.model_validate, sort))), 1, schema))


def plain(rows, sign, ordinals):
    def place(index):
        key, score, position = rows[index]
        return key, *((score is None, sign * (score or 0)) if sign else ()), position, ordinals[index]

    return sorted(range(len(rows)), key=place)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(ROWS, st.sampled_from([(0, ()), (1, ("score",)), (-1, ("-score",))]), st.booleans(), st.randoms())
def test_rows_stand_as_a_comparison_of_all_columns_says(rows, way, wide, random):
    sign, sort = way
    ordinals = list(range(len(rows)))
    order = order_by(*sort)
    assert order.indices(batch_of(rows, wide=wide)).tolist() == plain(rows, sign, ordinals)
    random.shuffle(ordinals)
    found = order.indices(batch_of(rows, wide=wide), np.array(ordinals, np.int64))
    assert found.tolist() == plain(rows, sign, ordinals)


@pytest.mark.parametrize("span", [1, 100, 1 << 30, 1 << 50, 1 << 64])
def test_many_rows_with_keys_of_every_width(span):
    generator = np.random.default_rng(span & 0xFFFF)
    keys = generator.integers(0, span, 5000, dtype=np.uint64, endpoint=False) if span < 1 << 64 else (
        generator.integers(0, TOP, 5000, dtype=np.uint64, endpoint=True)
    )  # fmt: skip
    positions = generator.permutation(5000).astype(np.uint64)
    batch = pa.record_batch([pa.array(keys), pa.array(positions)], ["key", "position"])
    found = order_by(names=("key", "position")).indices(batch)
    assert found.tolist() == np.lexsort((positions, keys)).tolist()


def test_the_first_mention_of_a_column_decides():
    order = order_by("-position", "position", "-key")
    assert order.columns == (("key", "ascending"), ("position", "descending"))


def test_rows_that_go_home_are_ordered_by_position():
    assert RowOrder.of(Partitioning("position", None, 2, REMOVAL_SCHEMA)).names == ["position"]


@pytest.mark.parametrize("offset", [0, 1, 3])
def test_leading_words_of_slices(offset):
    keys = [bytes([n] * 8 + [255 - n] * 8) for n in (0, 1, 127, 128, 255)]
    found = leading_words(pa.array(keys, pa.binary(16)).slice(offset))
    assert found.tolist() == [int.from_bytes(key[:8], "big") for key in keys[offset:]]
    assert leading_words(pa.array([], pa.binary(16))).tolist() == []
