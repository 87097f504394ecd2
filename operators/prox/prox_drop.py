"""Drops documents that their ProX programs give up."""

from typing import ClassVar, Final, Literal, NamedTuple

import numpy as np
import pyarrow as pa

from operators.prox.execution_rules import ExecutionRules
from operators.prox.executor import Execution, drops_document
from operators.prox.program_rows import executed_rows, text_and_programs
from operators.prox.programs import DOC_PROGRAM, DOC_PROGRAM_TYPE
from pipeline.operator import Filter, FilterFunction, Verdicts

Stage = Literal["document", "chunk"]

RULES: Final = ("drop_doc", "emptied", "too_few_words")
DROP_DOC: Final = 0
EMPTIED: Final = 1
TOO_FEW_WORDS: Final = 2


class _Verdict(NamedTuple):
    """Why a document goes."""

    rule: int
    value: float = np.nan
    threshold: float = np.nan


class ProxDrop(Filter):
    """Drops documents whose program says so, and those of which programs for their chunks leave next to nothing.

    The two stages of ProX: document programs judge whole documents; chunk programs are written for those that stay.
    With both in `stages` one filter judges by whatever programs there are. It executes chunk programs as `prox_execute`
    does, and belongs before it, with the same `execution`.

    Columns:
        prox_doc_program: read in the document stage; large_string, null where there is none.
        text, prox_programs: read in the chunk stage; as of `prox_execute`. An empty list is that of a document that
            has been refined; null: not judged.
        A verdict's value is, of `emptied`, the share of the words that is left, of `too_few_words`, the words left.

    Determinism:
        EXACT.

    Raises:
        ValueError: a chunk shows lines that the text does not have; the row goes to quarantine.

    Source:
        Zhou et al. 2024, arXiv 2409.17115, section 2.2, and its code, GAIR-NLP/ProX at b3fcbb2: a document goes if at
        most 5 % of its words are left, or at most 10 words; the latter is off by default and on in `mode: published`.

    Cost:
        That of `prox_execute` for the chunk stage; next to nothing for the document stage.
    """

    name: ClassVar[str] = "prox_drop"

    stages: tuple[Stage, ...] = ("document", "chunk")
    execution: ExecutionRules = ExecutionRules()
    """How programs are read and when they count; docs/prox.md has the fields, of which `mode: published` sets all."""

    def requires(self) -> pa.Schema:
        """The programs of the stages, and for chunks the text."""
        fields = (pa.field(DOC_PROGRAM, DOC_PROGRAM_TYPE),) if "document" in self.stages else ()
        return pa.schema([*fields, *(text_and_programs() if "chunk" in self.stages else ())])

    def rules(self) -> tuple[str, ...]:
        """In the order in which they are judged."""
        return RULES

    def open(self) -> FilterFunction:
        """Programs need nothing loaded."""
        return self._judge

    def _judge(self, batch: pa.RecordBatch) -> Verdicts:
        found: dict[int, _Verdict] = {}
        if "document" in self.stages:
            programs = batch.column(DOC_PROGRAM).to_pylist()
            found = {
                row: _Verdict(DROP_DOC)
                for row, program in enumerate(programs)
                if drops_document(program, self.execution)
            }
        if "chunk" in self.stages:
            for row, execution in executed_rows(batch, self.execution):
                verdict = _verdict_on(execution, self.execution)
                if verdict is not None:
                    found.setdefault(row, verdict)
        verdicts = [found.get(row) for row in range(batch.num_rows)]
        return Verdicts(
            keep=np.array([verdict is None for verdict in verdicts], np.bool_),
            rule=np.array([verdict.rule if verdict else 0 for verdict in verdicts], np.int16),
            value=np.array([verdict.value if verdict else np.nan for verdict in verdicts], np.float64),
            threshold=np.array([verdict.threshold if verdict else np.nan for verdict in verdicts], np.float64),
        )


def _verdict_on(execution: Execution, rules: ExecutionRules) -> _Verdict | None:
    if execution.is_emptied:
        return _Verdict(EMPTIED, execution.num_left / execution.num_words, 1 - rules.max_removed_fraction)
    if rules.min_words is not None and execution.num_judged < rules.min_words:
        return _Verdict(TOO_FEW_WORDS, execution.num_judged, rules.min_words)
    return None
