"""Removal of lines that are made of symbols only: rules, dots, bars of menus and tables."""

from typing import ClassVar, Final, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import Field

from operators.repair.edited_text import Counts, text_edits
from operators.text.characters import CONTENT, NUM_CODE_POINTS, WHITESPACE, character_classes, decode, document_text
from operators.text.units import CARRIAGE_RETURN, LINE_FEED, end_of_line
from pipeline.document import TEXT, TEXT_TYPE
from pipeline.kernel import Bytes, Offsets, kernel
from pipeline.operator import Edits, Transform, TransformFunction

IsSymbol = npt.NDArray[np.bool_]  # (0x110000,) whether the code point is a symbol

SPACE: Final = 0x20


@kernel
def _is_symbol_line(data: Bytes, begin: np.uintp, end: np.uintp, is_symbol: IsSymbol) -> bool:
    """Whether a line has a symbol, and nothing but symbols and spaces."""
    found = False
    i = begin
    while i < end:
        code_point, width = decode(data, i)
        if is_symbol[code_point]:
            found = True
        elif code_point != np.uint32(SPACE):
            return False
        i += width
    return found


@kernel
def _remove(
    data: Bytes,
    offsets: Offsets,
    is_symbol: IsSymbol,
    leaves_blank: bool,
    num_removed: Counts,
    out: Bytes,
    out_offsets: Offsets,
) -> None:
    """Writes the documents without their symbol lines; `num_removed` (D,) takes how many there were.

    `out` has room for all documents and two bytes more.
    """
    at = np.uintp(0)
    for document in range(offsets.shape[0] - 1):
        d = np.uintp(document)
        i, end = np.uintp(offsets[d]), np.uintp(offsets[d + np.uintp(1)])
        start = at
        is_removed = False
        while i < end:
            stop = end_of_line(data, i, end)
            after = min(stop + np.uintp(1), end)
            content = stop
            if content < after and content > i and data[content - np.uintp(1)] == CARRIAGE_RETURN:
                content -= np.uintp(1)
            was_removed = is_removed
            is_removed = _is_symbol_line(data, i, content, is_symbol)
            num_removed[d] += np.int64(is_removed)
            if not is_removed:
                for k in range(i, after):
                    out[at] = data[np.uintp(k)]
                    at += np.uintp(1)
            elif leaves_blank and not was_removed:
                out[at] = LINE_FEED
                out[at + np.uintp(1)] = LINE_FEED
                at += np.uintp(2)
            i = after
        if is_removed and at > start and data[end - np.uintp(1)] != LINE_FEED:  # the text ends as it did: in no line
            at -= np.uintp(1)
            if at > start and out[at - np.uintp(1)] == CARRIAGE_RETURN:
                at -= np.uintp(1)
        out_offsets[d + np.uintp(1)] = np.int64(at)


class SymbolLines(Transform):
    """Removes lines that have symbols and spaces and nothing else. Blank lines stay.

    What is left stays as it is, byte for byte, and ends with a line feed, or without one, as before.

    Columns:
        text: read and replaced. An edit's value is the number of lines that went.

    Determinism:
        Exact.

    Raises:
        ValidationError: `symbols` is empty.

    Source:
        datatrove 0.10.1, SymbolLinesFormatter: the same symbols by default, its punctuation and the control
        characters; `leave: blank_lines` is its replacement by a line feed. It ends lines at other separators than
        the line feed too, and writes all of them as line feeds; here a line that has one is not of symbols only.
        FineWeb-2 runs `symbols: "|", leave: blank_lines`, for what extraction leaves of tables.

    Cost:
        A pass over the text, most of it up to the first letter of each line; a copy of it.
    """

    name: ClassVar[str] = "symbol_lines"

    symbols: str | None = Field(default=None, min_length=1)
    """The characters that are symbols; the published list where not given."""
    leave: Literal["nothing", "blank_lines"] = "nothing"
    """What a run of removed lines leaves: nothing, or two blank lines."""

    def requires(self) -> pa.Schema:
        """The text."""
        return pa.schema([pa.field(TEXT, TEXT_TYPE, nullable=False)])

    def rules(self) -> tuple[str, ...]:
        """One; its value is the number of lines that went."""
        return ("symbol_lines",)

    def replaces(self) -> tuple[str, ...]:
        """The text."""
        return (TEXT,)

    def open(self) -> TransformFunction:
        """Makes the table of symbols."""
        is_symbol = self._symbols()
        leaves_blank = self.leave == "blank_lines"

        def edits(batch: pa.RecordBatch) -> Edits:
            texts = batch.column(TEXT)
            data, offsets = document_text(texts)
            num_removed = np.zeros(batch.num_rows, np.int64)
            out = np.empty(int(offsets[-1] - offsets[0]) + 2, np.uint8)
            out_offsets = np.zeros(batch.num_rows + 1, np.int64)
            _remove(data, offsets, is_symbol, leaves_blank, num_removed, out, out_offsets)
            if num_removed.any():
                buffers = [None, pa.py_buffer(out_offsets), pa.py_buffer(out[: out_offsets[-1]])]
                texts = pa.Array.from_buffers(texts.type, len(texts), buffers)
            return text_edits(batch, texts, num_removed.astype(np.float64)[:, np.newaxis])

        return edits

    def _symbols(self) -> IsSymbol:
        if self.symbols is None:
            is_symbol: IsSymbol = character_classes() & (CONTENT | WHITESPACE) == 0
            return is_symbol
        is_symbol = np.zeros(NUM_CODE_POINTS, np.bool_)
        is_symbol[[ord(symbol) for symbol in self.symbols]] = True
        return is_symbol
