from itertools import pairwise

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from operators.dedup.decide_lines import REPEATED_SCHEMA
from operators.dedup.gather_lines import GatherLines


@pytest.mark.parametrize("unit", ["line", "paragraph"])
@given(
    lists=st.dictionaries(st.integers(0, 1 << 63), st.sets(st.integers(0, 9), min_size=1).map(sorted), max_size=6),
    cuts=st.lists(st.integers(0, 40), max_size=5).map(sorted),
)
def test_each_document_has_one_list(unit, lists, cuts):
    rows = [{"position": place, "ordinal": ordinal} for place in sorted(lists) for ordinal in lists[place]]
    bounds = [0, *(min(cut, len(rows)) for cut in cuts), len(rows)]
    for edges in (bounds, range(len(rows) + 1)):
        batches = [pa.RecordBatch.from_pylist(rows[start:stop], REPEATED_SCHEMA) for start, stop in pairwise(edges)]
        operator = GatherLines(unit=unit)
        found = list(operator.open()(iter(batches)))
        for batch in found:
            batch.validate(full=True)
            assert batch.schema == operator.output_schema(REPEATED_SCHEMA)
        assert [tuple(row.values()) for batch in found for row in batch.to_pylist()] == sorted(lists.items())
