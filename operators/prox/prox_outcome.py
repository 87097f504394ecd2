"""What ProX programs would do to a document, as columns: for looking before editing."""

from typing import ClassVar, Final

import numpy as np
import pyarrow as pa

from operators.prox.execution_rules import ExecutionRules
from operators.prox.program_rows import executed_rows, text_and_programs
from pipeline.operator import AnnotateFunction, Annotator

COUNTS: Final = (
    "prox_num_errors",
    "prox_num_void",
    "prox_num_removed_lines",
    "prox_num_replaced",
    "prox_num_words",
    "prox_num_words_left",
)


class ProxOutcome(Annotator):
    """Counts what `prox_execute` would do, without doing it.

    Columns:
        text, prox_programs: read; as of `prox_execute`.
        Adds, each int64 and null where there are no programs: prox_num_errors, of all programs; prox_num_void, the
            programs whose edits do not count for their errors; prox_num_removed_lines and prox_num_replaced;
            prox_num_words and prox_num_words_left, words before and after.

    Determinism:
        EXACT.

    Raises:
        ValueError: a chunk shows lines that the text does not have; the row goes to quarantine.

    Source:
        What Zhou et al. 2024, arXiv 2409.17115, appendix E.2, count of failures.

    Cost:
        That of `prox_execute`.
    """

    name: ClassVar[str] = "prox_outcome"

    execution: ExecutionRules = ExecutionRules()
    """How programs are read and when they count; docs/prox.md has the fields, of which `mode: published` sets all."""

    def requires(self) -> pa.Schema:
        """The text and its programs."""
        return pa.schema(list(text_and_programs()))

    def adds(self) -> pa.Schema:
        """One column a count."""
        return pa.schema([pa.field(name, pa.int64()) for name in COUNTS])

    def open(self) -> AnnotateFunction:
        """Programs need nothing loaded."""
        schema = self.adds()

        def annotate(batch: pa.RecordBatch) -> pa.RecordBatch:
            counts = np.zeros((len(COUNTS), batch.num_rows), np.int64)
            is_missing = np.ones(batch.num_rows, np.bool_)
            for row, execution in executed_rows(batch, self.execution):
                is_missing[row] = False
                counts[:, row] = (
                    execution.num_errors,
                    execution.num_void,
                    execution.num_removed_lines,
                    execution.num_replaced,
                    execution.num_words,
                    execution.num_left,
                )
            return pa.RecordBatch.from_arrays([pa.array(column, mask=is_missing) for column in counts], schema=schema)

        return annotate
