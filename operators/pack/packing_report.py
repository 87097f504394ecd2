"""The report on a packed table: how full its rows are, and what was cut."""

import json
from collections.abc import Iterator
from typing import ClassVar, Final, Literal

import pyarrow as pa
from pydantic import Field

from operators.pack.packed_table import DOC_IDS, NUM_CONTINUED, NUM_TRUNCATED, list_type
from operators.pack.packing_plot import packing_plot
from operators.pack.packing_statistics import PackingStatistics
from operators.tokenize.tokenizer import NUM_TOKENS
from pipeline.document import DOC_ID_TYPE
from pipeline.operator import Task, TaskFunction, TaskInputs

PACKING_FILE: Final = "packing.json"
PACKING_PLOT_FILE: Final = "packing.svg"


class PackingReport(Task):
    """What packed rows hold, as `packing.json`, and as the plot `packing.svg`.

    Rows, tokens and padding; documents, splits and truncated tokens; documents per row, as mean, median and extremes
    and as counts of rows; rows by how full they are.

    Columns:
        reads doc_ids, num_tokens, num_continued and num_truncated of a packed table.

    Determinism:
        EXACT. Everything is counted.

    Cost:
        One pass over 16 bytes a document and 24 a row; no token is read.
    """

    name: ClassVar[str] = "packing_report"
    produces: ClassVar[Literal["table", "columns", "model"]] = "model"

    capacity: int = Field(ge=1)
    """Tokens that a row can hold: the packing's `window`, and one more for whole documents with `extra_token: 1`."""

    def requires(self) -> pa.Schema:
        """What is counted."""
        return pa.schema(
            [
                pa.field(DOC_IDS, list_type(DOC_ID_TYPE), nullable=False),
                *(pa.field(name, pa.int64(), nullable=False) for name in (NUM_TOKENS, NUM_CONTINUED, NUM_TRUNCATED)),
            ]
        )

    def output_schema(self, given: pa.Schema) -> pa.Schema:  # noqa: ARG002 -- the contract's signature
        """A model has no rows."""
        return pa.schema(())

    def open(self) -> TaskFunction:
        """Returns the counting."""

        def run(inputs: TaskInputs) -> Iterator[tuple[int, pa.RecordBatch]]:
            assert inputs.rows is not None, "the planner gives this task a view"
            statistics = PackingStatistics(self.capacity)
            for _, batch in inputs.rows.batches(tuple(self.requires().names)):
                statistics.add(batch)
            figures = statistics.figures()
            text = json.dumps(figures, indent=1, allow_nan=False)
            (inputs.directory / PACKING_FILE).write_text(text + "\n", encoding="utf-8")
            (inputs.directory / PACKING_PLOT_FILE).write_text(packing_plot(figures), encoding="utf-8")
            return iter(())

        return run
