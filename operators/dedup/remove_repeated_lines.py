"""Removal of lines that repeat an earlier one of the same document."""

from typing import ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import Field

from operators.dedup.repeated_lines import MIN_WORDS, participating_units, repeated_column, required_columns
from operators.text.characters import character_classes
from operators.text.key_table import KeyTable, add_key, empty_table, key_table_for
from operators.text.line_hashes import Units
from operators.text.normalize import load_folding
from operators.text.units import Unit, cut_units
from pipeline.document import TEXT
from pipeline.kernel import kernel
from pipeline.operator import Edits, Transform, TransformFunction


@kernel
def _keep_repeated(units: Units, table: KeyTable, num_repeated: npt.NDArray[np.int64]) -> int:
    """Moves the ordinals of units that repeat an earlier one of their document to the front; returns how many in all.

    `num_repeated` (D,) takes how many each document has.
    """
    at = np.uintp(0)
    total = np.uintp(0)
    for document in range(num_repeated.shape[0]):
        d = np.uintp(document)
        num_units = np.uintp(units.num_units[d])
        mask, stamp = empty_table(num_units, table)
        before = total
        for index in range(at, at + num_units):
            u = np.uintp(index)
            if add_key(units.hashes[u], mask, stamp, table):
                units.ordinals[total] = units.ordinals[u]
                total += np.uintp(1)
        num_repeated[d] = np.int64(total - before)
        at += num_units
    return int(np.int64(total))


class RemoveRepeatedLines(Transform):
    """Keeps the first of each repeated line, or paragraph, of a document and cuts the others out.

    Lines are compared after the normalisation of `line_rows`, and the same ones are exempt: those of fewer than
    `min_words` words, those of fenced code, and whole documents that `code_column` marks.

    Columns:
        text, `code_column`: read.
        text: replaced; what is left stays as it is, and ends with a line feed, or without one, as before.

    Determinism:
        Exact.

    Source:
        The repetition that Gopher's rules (Rae et al. 2021, arXiv 2112.11446, table A1) judge, removed instead.

    Cost:
        As `line_rows` reads: one pass over the text at about 200 MB/s. A copy of batches in which a line goes.
    """

    name: ClassVar[str] = "remove_repeated_lines"

    unit: Unit = "line"
    min_words: int = Field(default=MIN_WORDS, ge=1)
    code_column: str | None = None
    """A bool column that is true for documents that are code, which are left alone."""

    def requires(self) -> pa.Schema:
        """The text, and whether it is code."""
        return pa.schema(list(required_columns(self.code_column)))

    def rules(self) -> tuple[str, ...]:
        """One; its value is the number of lines that went."""
        return (repeated_column(self.unit),)

    def replaces(self) -> tuple[str, ...]:
        """The text."""
        return (TEXT,)

    def open(self) -> TransformFunction:
        """Loads the tables of characters."""
        load_folding()
        character_classes()
        return self._edits

    def _edits(self, batch: pa.RecordBatch) -> Edits:
        units = participating_units(batch, unit=self.unit, min_words=self.min_words, code_column=self.code_column)
        num_repeated = np.zeros(batch.num_rows, np.int64)
        table = key_table_for(int(units.num_units.max(initial=0)))
        total = _keep_repeated(units, table, num_repeated)
        text = batch.column(TEXT)
        if total:
            offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(num_repeated)])
            text = cut_units(text, offsets, units.ordinals[:total], unit=self.unit)
        return Edits(
            columns=pa.record_batch([text], schema=pa.schema([batch.schema.field(TEXT)])),
            sizes=num_repeated.astype(np.float64)[:, np.newaxis],
        )
