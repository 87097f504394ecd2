"""What the operators on repeated lines and paragraphs share: which units of a document take part, and their column."""

from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from operators.text.line_hashes import BoolArray, Units, hash_units
from operators.text.units import Unit
from pipeline.document import TEXT, TEXT_TYPE

MIN_WORDS: Final = 5
"""Words of a unit that takes part, at least: so many as a shingle of near-duplicates has. Headings and items of lists
are shorter, and repeat without being boilerplate. A choice; no paper gives a number for lines."""

ORDINALS_TYPE: Final = pa.list_(pa.uint32())


def repeated_column(unit: Unit) -> str:
    """The column, and the rule, for units that are to go."""
    return f"repeated_{unit}s"


def required_columns(code_column: str | None) -> tuple[pa.Field, ...]:
    """What must be there to find the units of a document that take part."""
    text = pa.field(TEXT, TEXT_TYPE, nullable=False)
    return (text,) if code_column is None else (text, pa.field(code_column, pa.bool_()))


def participating_units(batch: pa.RecordBatch, *, unit: Unit, min_words: int, code_column: str | None) -> Units:
    """The units of each document that take part; none of a document for which `code_column` is true."""
    is_exempt: BoolArray = np.zeros(batch.num_rows, np.bool_)
    if code_column is not None:
        marked = pc.fill_null(batch.column(code_column), pa.scalar(False))
        is_exempt = marked.to_numpy(zero_copy_only=False)
    return hash_units(batch.column(TEXT), is_exempt, unit=unit, min_words=min_words)
