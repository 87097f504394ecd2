from collections import Counter
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from operators.dedup import line_rows
from operators.dedup.line_rows import LineRows
from pipeline.document import TEXT_TYPE, position
from pipeline.errors import SchemaError
from tests.line_oracle import keys_of

LINES = ("one", "two", "three", "four")
TEXTS = st.lists(st.lists(st.sampled_from(LINES), max_size=6).map("\n".join), max_size=8)
CUTS = st.lists(st.integers(0, 8), max_size=3).map(sorted)


def view(texts, scores=None, shard=1):
    columns = {
        "text": pa.array(texts, TEXT_TYPE),
        "score": pa.array(scores if scores is not None else [0.0] * len(texts), pa.float32()),
        "position": pa.array([position(shard, row) for row in range(len(texts))], pa.uint64()),
    }
    return pa.record_batch(columns)


def rows_of(batch, cuts=(), **settings):
    bounds = [0, *(min(cut, batch.num_rows) for cut in cuts), batch.num_rows]
    parts = [batch.slice(start, stop - start) for start, stop in pairwise(bounds)]
    made = LineRows(min_words=1, **settings).open()(iter(parts))
    return [row for part in made for row in part.to_pylist()]


@given(texts=TEXTS, cuts=CUTS, min_count=st.integers(2, 4))
def test_every_unit_has_a_row_and_repeats_of_a_chunk_are_combined(texts, cuts, min_count):
    rows = rows_of(view(texts), cuts, min_count=min_count)
    places = [
        (number, ordinal, key) for number, text in enumerate(texts) for ordinal, key in keys_of(text, "line", 1).items()
    ]
    assert [(row["position"], row["ordinal"]) for row in rows] == [(position(1, n), o) for n, o, _ in places]
    met, total = Counter(), Counter(key for _, _, key in places)
    for row, (_, _, key) in zip(rows, places, strict=True):
        met[key] += 1
        assert row["count"] == (1 if total[key] < min_count else total[key] if met[key] == 1 else 0)
    undecided = Counter(row["line"] for row in rows if row["count"])
    assert max(undecided.values(), default=0) < min_count


@given(texts=TEXTS, cuts=CUTS, size=st.sampled_from([1, 3, 8]))
def test_how_the_shard_arrives_changes_nothing(texts, cuts, size):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(line_rows, "CHUNK_UNITS", size)
        assert rows_of(view(texts), cuts) == rows_of(view(texts))


def test_chunks_end_with_the_document_that_fills_them(monkeypatch):
    monkeypatch.setattr(line_rows, "CHUNK_UNITS", 3)
    texts = ["one\none", "one\none", "one", "one\none\none\none", "one"]
    assert [row["count"] for row in rows_of(view(texts))] == [4, 0, 0, 0, 5, 0, 0, 0, 0, 1]


def test_the_first_in_order_counts_for_the_others():
    batch = view(["one", "one\none", "one", "one"], [None, 1.0, 2.0, 2.0])
    rows = rows_of(batch, order_by=("-score",))
    assert [(row["position"] & 0xFF, row["count"]) for row in rows] == [(0, 0), (1, 0), (1, 0), (2, 5), (3, 0)]
    assert [row["score"] for row in rows] == [None, 1.0, 1.0, 2.0, 2.0]


def test_decided_rows_spread_over_partitions():
    rows = rows_of(view(["one"] * 500))
    decided = np.array([row["line"] for row in rows if not row["count"]], np.uint64)
    assert len(decided) == 499
    assert len(np.unique(decided)) == 499


def test_columns_of_the_order_must_be_there():
    with pytest.raises(SchemaError, match=r"line_rows: expected the columns of order_by; \['date'\] are not there"):
        LineRows(order_by=("-date",)).output_schema(view([]).schema)
