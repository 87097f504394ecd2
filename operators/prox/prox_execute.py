"""Edits documents as their ProX programs say."""

from typing import ClassVar, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from operators.prox.execution_rules import ExecutionRules
from operators.prox.program_rows import BoolArray, executed_rows, text_and_programs, without_programs
from operators.prox.programs import PROGRAMS
from pipeline.document import TEXT
from pipeline.operator import Edits, Transform, TransformFunction

EDITS: Final = ("remove_lines", "normalize")


class ProxExecute(Transform):
    """Removes lines and replaces strings as the programs in a column say. No model is needed.

    `remove_lines` takes out lines by their numbers in the whole document, after `normalize` has replaced strings within
    lines. Edits count unless their programs hold more than `max_errors` errors. The text must be the one that the
    programs were written for: put this operator before any that changes text. `prox_drop` decides which documents go,
    and belongs before this operator, with the same `execution`.

    Columns:
        text: read and replaced. What stays is as it was, line feed for line feed; it may become empty.
        prox_programs: read; list of struct of first_line and last_line (uint32), program (large_string) and is_cut
            (bool), one a chunk. Replaced by an empty list where they edited, so that they cannot do so twice. Null:
            no programs.

    Determinism:
        EXACT.

    Raises:
        ValueError: a chunk shows lines that the text does not have; the row goes to quarantine.
        ValidationError: at construction, where programs would be judged on less than they may edit.

    Source:
        Zhou et al. 2024, arXiv 2409.17115, section 2.2 and table 1, and its code, GAIR-NLP/ProX at b3fcbb2. `execution:
        {mode: published}` gives that code's texts. The default differs: strings may hold commas, parentheses and equals
        signs; an edit reaches no line that its writer did not see; one chunk's errors do not void another's edits.

    Cost:
        Some 20 MB/s of the documents that have programs, if they have short lines; the others are not touched. With
        `normalize_in: document` the size of a document times its replacements.
    """

    name: ClassVar[str] = "prox_execute"

    execution: ExecutionRules = ExecutionRules()
    """How programs are read and when they count; docs/prox.md has the fields, of which `mode: published` sets all."""

    def requires(self) -> pa.Schema:
        """The text and its programs."""
        return pa.schema(list(text_and_programs()))

    def rules(self) -> tuple[str, ...]:
        """Lines removed, and places where a string was replaced."""
        return EDITS

    def replaces(self) -> tuple[str, ...]:
        """The text, and programs that are done."""
        return (TEXT, PROGRAMS)

    def open(self) -> TransformFunction:
        """Programs need nothing loaded."""
        return self._edits

    def _edits(self, batch: pa.RecordBatch) -> Edits:
        sizes = np.zeros((batch.num_rows, len(EDITS)))
        texts = []
        for row, execution in executed_rows(batch, self.execution):
            sizes[row] = execution.num_removed_lines, execution.num_replaced
            if sizes[row].any():
                texts.append(execution.text)
        replaced = {TEXT: batch.column(TEXT), PROGRAMS: batch.column(PROGRAMS)}
        if texts:
            edited: BoolArray = np.any(sizes != 0, axis=1)
            text = replaced[TEXT]
            replaced[TEXT] = pc.replace_with_mask(text, pa.array(edited), pa.array(texts, text.type))
            replaced[PROGRAMS] = without_programs(replaced[PROGRAMS], edited)
        columns = {name: replaced[name] for name in batch.schema.names if name in replaced}
        return Edits(
            columns=pa.record_batch(columns, schema=pa.schema([batch.schema.field(name) for name in columns])),
            sizes=sizes,
        )
