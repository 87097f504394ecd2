from itertools import pairwise

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from operators.dedup.decide_lines import REPEATED_SCHEMA, DecideLines
from operators.dedup.line_rows import LINE_FIELDS


def batch_of(rows):
    return pa.RecordBatch.from_pylist(
        [{"line": line, "position": place, "ordinal": place % 3, "count": count} for place, (line, count) in rows],
        pa.schema(list(LINE_FIELDS)),
    )


def gone(rows, cuts=(), **settings):
    bounds = [0, *sorted(min(cut, len(rows)) for cut in cuts), len(rows)]
    batches = [batch_of(rows[start:stop]) for start, stop in pairwise(bounds)]
    found = list(DecideLines(**settings).open()(iter(batches)))
    assert all(batch.schema == REPEATED_SCHEMA for batch in found)
    assert all(row["ordinal"] == row["position"] % 3 for batch in found for row in batch.to_pylist())
    return [row["position"] for batch in found for row in batch.to_pylist()]


@st.composite
def sorted_rows(draw):
    """(place, (line, count)) in order of the line: counts are 0, 1, or at least min_count."""
    min_count = draw(st.integers(2, 4))
    counts = st.sampled_from([0, 1, 1, 1, min_count, min_count + 3])
    drawn = draw(st.lists(st.tuples(st.sampled_from([0, 1, 5, (1 << 64) - 1]), counts), max_size=24))
    return min_count, list(enumerate(sorted(drawn, key=lambda row: row[0])))


@pytest.mark.parametrize("keep", ["first", "none"])
@given(drawn=sorted_rows(), cuts=st.lists(st.integers(0, 24), max_size=5))
def test_lines_that_are_there_often_enough_go(keep, drawn, cuts):
    min_count, rows = drawn
    by_line = {}
    for place, (line, count) in rows:
        by_line.setdefault(line, []).append((place, count))
    expected = []
    for found in by_line.values():
        open_places = [place for place, count in found if count]
        enough = sum(count for _, count in found) >= min_count
        expected += [place for place, count in found if not count]
        expected += open_places[keep == "first" :] if enough else []
    whole = gone(rows, keep=keep, min_count=min_count)
    assert sorted(whole) == sorted(expected)
    assert gone(rows, cuts, keep=keep, min_count=min_count) == whole
    assert gone(rows, range(len(rows)), keep=keep, min_count=min_count) == whole
