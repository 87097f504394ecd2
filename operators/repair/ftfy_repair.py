"""Repair of text that was decoded with the wrong encoding, by ftfy, on the lines that need it."""

import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, ClassVar, Final, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from operators.repair.edited_text import text_edits, with_replaced
from operators.text.characters import NUM_CODE_POINTS, decode, document_text
from operators.text.units import end_of_line
from pipeline.document import TEXT, TEXT_TYPE
from pipeline.kernel import Bytes, Offsets, kernel
from pipeline.operator import Edits, Transform, TransformFunction

if TYPE_CHECKING:
    pass

Marks = npt.NDArray[np.uint8]  # (0x110000,) bits of the code point, or (L,) of the line

FIXED: Final = 1
"""One of ftfy's fixers may change the character by itself."""
SUSPICIOUS: Final = 2
"""The character is one of those among which ftfy looks for signs of a wrong encoding."""
MARKUP: Final = 4
"""`<`: where it stands, `unescape_html: auto` leaves entities alone from that line on."""

LINE_SEPARATORS: Final = "\r\x85\u2028\u2029"
"""What `fix_line_breaks` rewrites."""

Lines = npt.NDArray[np.int64]


@kernel
def _mark_lines(data: Bytes, offsets: Offsets, marks: Marks, wanted: int, lines: Lines, found: Marks) -> np.int64:
    """Writes (document, begin, end) and the marks of each line that has a wanted one; returns how many.

    A line that has `<`, or comes after it in its document, is marked as MARKUP. Its end includes the line feed. Where
    `lines` is too short, only counts.
    """
    num_lines = np.int64(0)
    for document in range(offsets.shape[0] - 1):
        d = np.uintp(document)
        i, end = np.uintp(offsets[d]), np.uintp(offsets[d + np.uintp(1)])
        markup = np.uint8(0)
        while i < end:
            begin = i
            stop = end_of_line(data, i, end)
            mark = markup
            while i < stop:
                code_point, width = decode(data, i)
                mark |= marks[code_point]
                i += width
            i = min(stop + np.uintp(1), end)
            markup = mark & np.uint8(MARKUP)
            if mark & np.uint8(wanted):
                if num_lines < lines.shape[0]:
                    n = np.uintp(num_lines)
                    lines[n, 0] = np.int64(d)
                    lines[n, 1] = np.int64(begin)
                    lines[n, 2] = np.int64(i)
                    found[n] = mark
                num_lines += np.int64(1)
    return num_lines


class FtfyRepair(Transform):
    """Runs ftfy over the text: mends mojibake, unescapes HTML entities, removes terminal escapes, control characters.

    The result is that of `ftfy.fix_text` with the same settings. ftfy works line by line, so lines without a character
    that it could change are not handed to it. The settings are datatrove's, which repair encodings and leave style
    alone; ftfy's own also straighten quotes, split ligatures, narrow full-width forms, end lines with line feeds and
    compose characters (NFC).

    Columns:
        text: read and replaced. An edit's value is the number of lines that changed.

    Determinism:
        Exact, with the same version of ftfy.

    Source:
        ftfy 6.3.1 (Speer 2019, zenodo 2591652); the defaults are those of datatrove 0.10.1, FTFYFormatter, which
        FineWeb-2 runs.

    Cost:
        Lines of ASCII without `&` or control characters, and of scripts that mojibake does not look like, cost a look
        at their characters. Others cost ftfy's search for mojibake; few are rewritten. 25 MB of Chinese and 250 MB of
        plain English a CPU-second, where ftfy alone does 2.
    """

    name: ClassVar[str] = "ftfy_repair"

    unescape_html: Literal["auto"] | bool = "auto"
    """`auto`: not from the first line of a document on that has a `<`."""
    remove_terminal_escapes: bool = True
    fix_encoding: bool = True
    fix_c1_controls: bool = True
    fix_latin_ligatures: bool = False
    fix_character_width: bool = False
    """Makes the punctuation of Chinese and Japanese wrong."""
    uncurl_quotes: bool = False
    fix_line_breaks: bool = False
    remove_control_chars: bool = True
    normalization: Literal["NFC", "NFKC"] | None = None

    def requires(self) -> pa.Schema:
        """The text."""
        return pa.schema([pa.field(TEXT, TEXT_TYPE, nullable=False)])

    def rules(self) -> tuple[str, ...]:
        """One; its value is the number of lines that changed."""
        return ("ftfy",)

    def replaces(self) -> tuple[str, ...]:
        """The text."""
        return (TEXT,)

    def open(self) -> TransformFunction:
        """Loads ftfy, and makes the table of characters that it could change."""
        marks = self._marks()
        fix = self._fixer()

        def edits(batch: pa.RecordBatch) -> Edits:
            texts = batch.column(TEXT)
            data, offsets = document_text(texts)
            sizes = np.zeros((batch.num_rows, 1))
            changed = _repair(data, offsets, _marked_lines(data, offsets, marks), fix, sizes[:, 0])
            return text_edits(batch, with_replaced(texts, sizes[:, 0] > 0, changed), sizes)

        return edits

    def _fixer(self) -> Callable[[str, int], str]:
        """The function from a line and its marks to the mended line."""
        import ftfy  # noqa: PLC0415 -- only workers that run this need it
        from ftfy.badness import is_bad  # noqa: PLC0415 -- as above

        config = ftfy.TextFixerConfig(**self.model_dump(), explain=False)
        behind_markup = config._replace(unescape_html=False) if self.unescape_html == "auto" else config

        def fix(line: str, mark: int) -> str:
            if not mark & FIXED and not is_bad(line):
                return line
            return ftfy.fix_text(line, behind_markup if mark & MARKUP else config)

        return fix

    def _marks(self) -> Marks:
        """The marks of every code point."""
        from ftfy import chardata  # noqa: PLC0415 -- only workers that run this need it
        from ftfy.badness import BADNESS_RE  # noqa: PLC0415 -- as above

        fixers: tuple[tuple[object, Iterable[int]], ...] = (
            (self.unescape_html, map(ord, "&")),
            (self.fix_c1_controls, range(0x80, 0xA0)),
            (self.remove_terminal_escapes, map(ord, "\x1b")),
            (self.fix_latin_ligatures, chardata.LIGATURES),
            (self.fix_character_width, chardata.WIDTH_MAP),
            (self.uncurl_quotes, _non_ascii_of(chardata.SINGLE_QUOTE_RE)),
            (self.uncurl_quotes, _non_ascii_of(chardata.DOUBLE_QUOTE_RE)),
            (self.fix_line_breaks, map(ord, LINE_SEPARATORS)),
            (self.remove_control_chars, chardata.CONTROL_CHARS),
        )
        marks = np.zeros(NUM_CODE_POINTS, np.uint8)
        for is_on, code_points in fixers:
            if is_on:
                marks[list(code_points)] |= FIXED
        if self.normalization:
            marks[0x80:] |= FIXED
        if self.fix_encoding:
            marks[_non_ascii_of(BADNESS_RE)] |= SUSPICIOUS
        marks[ord("<")] |= MARKUP
        return marks


def _marked_lines(data: Bytes, offsets: Offsets, marks: Marks) -> tuple[Lines, Marks]:
    """(L, 3) document, begin and end of the lines that ftfy could change, and their (L,) marks."""
    lines, found = np.empty((0, 3), np.int64), np.empty(0, np.uint8)
    num_lines = int(_mark_lines(data, offsets, marks, FIXED | SUSPICIOUS, lines, found))
    if num_lines:
        lines, found = np.empty((num_lines, 3), np.int64), np.empty(num_lines, np.uint8)
        _mark_lines(data, offsets, marks, FIXED | SUSPICIOUS, lines, found)
    return lines, found


def _repair(
    data: Bytes,
    offsets: Offsets,
    marked: tuple[Lines, Marks],
    fix: Callable[[str, int], str],
    num_changed: npt.NDArray[np.float64],
) -> list[bytes]:
    """The texts of the documents that changed, in order; `num_changed` (D,) takes the number of lines."""
    text = memoryview(data)  # type: ignore[arg-type] # numpy arrays have buffers
    pieces: dict[int, list[bytes | memoryview]] = {}
    copied_to: dict[int, int] = {}
    for (document, begin, end), mark in zip(marked[0].tolist(), marked[1].tolist(), strict=True):
        line = str(text[begin:end], "utf-8")
        fixed = fix(line, mark)
        if fixed != line:
            start = copied_to.get(document, int(offsets[document]))
            pieces.setdefault(document, []).extend((text[start:begin], fixed.encode()))
            copied_to[document] = end
            num_changed[document] += 1
    return [
        b"".join((*parts, text[copied_to[document] : int(offsets[document + 1])])) for document, parts in pieces.items()
    ]


def _non_ascii_of(pattern: re.Pattern[str]) -> list[int]:
    """Code points from U+0080 that a pattern names, in ranges or alone. None of ftfy's matches a text without one."""
    named = {ord(character) for character in pattern.pattern if ord(character) >= 0x80}
    for first, last in re.findall("([^\\x00-\\x7f])-([^\\x00-\\x7f])", pattern.pattern):
        named.update(range(ord(first), ord(last) + 1))
    return sorted(named)
