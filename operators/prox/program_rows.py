"""Rows of a batch that have ProX programs. Only these become Python objects; all others stay in Arrow."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from operators.prox.execution_rules import ExecutionRules
from operators.prox.executor import Execution, execute
from operators.prox.programs import PROGRAMS, PROGRAMS_TYPE, ChunkProgram
from pipeline.document import TEXT, TEXT_TYPE

BoolArray = npt.NDArray[np.bool_]


def text_and_programs() -> tuple[pa.Field, ...]:
    """The columns that execution reads."""
    return (pa.field(TEXT, TEXT_TYPE, nullable=False), pa.field(PROGRAMS, PROGRAMS_TYPE))


def executed_rows(batch: pa.RecordBatch, rules: ExecutionRules) -> Iterator[tuple[int, Execution]]:
    """What becomes of each row that has a list of programs, even an empty one, with the row's number."""
    programs = batch.column(PROGRAMS)
    rows = np.flatnonzero(programs.is_valid().to_numpy(zero_copy_only=False))
    for row in rows:
        chunks = [
            ChunkProgram(entry["first_line"], entry["last_line"], entry["program"] or "", bool(entry["is_cut"]))
            for entry in programs[row].as_py()
        ]
        yield int(row), execute(batch.column(TEXT)[row].as_py(), chunks, rules)


def without_programs(programs: pa.Array, is_done: BoolArray) -> pa.Array:
    """The programs of each row; an empty list where they are done."""
    lengths = pc.fill_null(pc.list_value_length(programs), 0).to_numpy().astype(np.int64)
    left = pc.list_flatten(programs).filter(pa.array(np.repeat(~is_done, lengths)))
    offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(np.where(is_done, 0, lengths))])
    return pa.ListArray.from_arrays(
        pa.array(offsets.astype(np.int32)), left, type=PROGRAMS_TYPE, mask=programs.is_null()
    )
