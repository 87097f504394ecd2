import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from operators.prox.program_rows import without_programs
from operators.prox.programs import PROGRAMS_TYPE


@given(st.lists(st.tuples(st.none() | st.integers(0, 3), st.booleans())), st.integers(0, 2))
def test_done_programs_leave_empty_lists(rows, offset):
    """Nulls stay; the other rows keep what they have, in slices too."""
    entry = {"first_line": 0, "last_line": 1, "program": "keep_chunk()", "is_cut": False}
    lists = [None if length is None else [{**entry, "last_line": at} for at in range(length)] for length, _ in rows]
    column = pa.array([[entry]] * offset + lists, PROGRAMS_TYPE).slice(offset)
    left = without_programs(column, np.array([is_done for _, is_done in rows], np.bool_))
    left.validate(full=True)
    assert left.type == PROGRAMS_TYPE
    assert left.to_pylist() == [
        [] if is_done and found is not None else found for found, (_, is_done) in zip(lists, rows, strict=True)
    ]
