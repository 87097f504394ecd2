"""How tests of this folder run a transform over texts."""

import pyarrow as pa

from pipeline.document import TEXT_TYPE
from pipeline.operator import Transform

SCHEMA = pa.schema([pa.field("text", TEXT_TYPE, nullable=False)])


def repaired(operator: Transform, *texts: str) -> tuple[list[str], list[list[float]]]:
    """The texts after `operator`, and its sizes. They are a slice of a longer column."""
    column = pa.array(["\x00\ufb01 |", *texts], TEXT_TYPE).slice(1)
    edits = operator.open()(pa.record_batch([column], schema=SCHEMA))
    edits.columns.validate(full=True)
    return edits.columns.column("text").to_pylist(), edits.sizes.tolist()
