"""Removal of characters that are no text: control characters, private use, and what stands for lost bytes."""

from functools import lru_cache
from typing import ClassVar, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from operators.repair.edited_text import Counts, text_edits
from operators.text.characters import NUM_CODE_POINTS, decode, document_text
from operators.text.units import CARRIAGE_RETURN, LINE_FEED
from pipeline.document import TEXT, TEXT_TYPE
from pipeline.kernel import Bytes, Offsets, kernel
from pipeline.operator import Edits, Transform, TransformFunction

Actions = npt.NDArray[np.uint8]  # (0x110000,) what becomes of a code point

RULES: Final = ("control_characters", "private_use_characters", "replacement_characters")

# Actions: 0 keeps. The others are 1 + the index of the rule, with a flag where something takes the character's place.
REMOVES_CONTROL: Final = 1
REMOVES_PRIVATE: Final = 2
REMOVES_REPLACEMENT: Final = 3
RULE_OF_ACTION: Final = 3  # mask
TO_LINE_FEED: Final = 4
TO_SPACE: Final = 8

CONTROL_RANGES: Final = ((0x00, 0x1F), (0x7F, 0x9F))
"""Category Cc, first and last: fixed for all versions of Unicode by its stability policy."""
PRIVATE_USE_RANGES: Final = ((0xE000, 0xF8FF), (0xF0000, 0xFFFFD), (0x100000, 0x10FFFD))
"""Category Co, fixed likewise."""
LINE_ENDS: Final = "\v\f\r\x1c\x1d\x1e\x85"
"""Control characters at which `str.splitlines` ends a line."""
UNIT_SEPARATOR: Final = "\x1f"
"""The only other control character, beside the tab, that is white space."""
REPLACEMENT_CHARACTER: Final = 0xFFFD


@lru_cache(maxsize=2)
def _actions(private_use: bool, replacement_character: bool) -> Actions:
    actions = np.zeros(NUM_CODE_POINTS, np.uint8)
    for first, last in CONTROL_RANGES:
        actions[first : last + 1] = REMOVES_CONTROL
    if private_use:
        for first, last in PRIVATE_USE_RANGES:
            actions[first : last + 1] = REMOVES_PRIVATE
    actions[[ord("\n"), ord("\t")]] = 0
    actions[[ord(character) for character in LINE_ENDS]] |= TO_LINE_FEED
    actions[ord(UNIT_SEPARATOR)] |= TO_SPACE
    if replacement_character:
        actions[REPLACEMENT_CHARACTER] = REMOVES_REPLACEMENT
    actions.flags.writeable = False
    return actions


@kernel
def _count(data: Bytes, offsets: Offsets, actions: Actions, counts: Counts) -> None:
    """Adds to (D, 3) `counts` how many characters of each document fall under each rule."""
    for document in range(offsets.shape[0] - 1):
        d = np.uintp(document)
        i, end = np.uintp(offsets[d]), np.uintp(offsets[d + np.uintp(1)])
        while i < end:
            code_point, width = decode(data, i)
            action = actions[code_point]
            if action:
                counts[d, np.uintp((action & np.uint8(RULE_OF_ACTION)) - np.uint8(1))] += 1
            i += width


@kernel
def _clean(data: Bytes, offsets: Offsets, actions: Actions, out: Bytes, out_offsets: Offsets) -> None:
    """Writes the documents with their actions carried out. `out` is as long as the documents."""
    at = np.uintp(0)
    for document in range(offsets.shape[0] - 1):
        d = np.uintp(document)
        i, end = np.uintp(offsets[d]), np.uintp(offsets[d + np.uintp(1)])
        while i < end:
            code_point, width = decode(data, i)
            action = actions[code_point]
            after = i + width
            if not action:
                for k in range(i, after):
                    out[at] = data[np.uintp(k)]
                    at += np.uintp(1)
            elif action & np.uint8(TO_SPACE):
                out[at] = np.uint8(0x20)
                at += np.uintp(1)
            elif action & np.uint8(TO_LINE_FEED) and not (
                data[i] == CARRIAGE_RETURN and after < end and data[after] == LINE_FEED
            ):
                out[at] = LINE_FEED
                at += np.uintp(1)
            i = after
        out_offsets[d + np.uintp(1)] = np.int64(at)


class ControlCharacters(Transform):
    """Removes control characters, private-use characters and, on request, U+FFFD.

    Line feeds and tabs stay. Control characters that end a line (carriage return, vertical tab, form feed, U+001C to
    U+001E, U+0085) become a line feed, a carriage return before a line feed goes, and U+001F becomes a space, so that
    no words grow together. Format characters, such as joiners and direction marks, are text and stay.

    Columns:
        text: read and replaced. An edit's value is the number of characters that were removed or replaced.

    Determinism:
        Exact: control and private-use characters are the same in every version of Unicode.

    Source:
        Categories Cc and Co of the Unicode Character Database, Unicode Standard Annex 44.

    Cost:
        One pass over the text; another one over batches in which anything changes.
    """

    name: ClassVar[str] = "control_characters"

    private_use: bool = True
    """Whether private-use characters, which mean something in one font only, are removed."""
    replacement_character: bool = False
    """Whether U+FFFD is removed. It says that bytes were lost, which filters may want to know."""

    def requires(self) -> pa.Schema:
        """The text."""
        return pa.schema([pa.field(TEXT, TEXT_TYPE, nullable=False)])

    def rules(self) -> tuple[str, ...]:
        """What is removed; the value is the number of characters."""
        return RULES

    def replaces(self) -> tuple[str, ...]:
        """The text."""
        return (TEXT,)

    def open(self) -> TransformFunction:
        """Makes the table of characters."""
        actions = _actions(self.private_use, self.replacement_character)

        def edits(batch: pa.RecordBatch) -> Edits:
            texts = batch.column(TEXT)
            data, offsets = document_text(texts)
            counts = np.zeros((batch.num_rows, len(RULES)), np.int64)
            _count(data, offsets, actions, counts)
            if counts.any():
                out = np.empty(int(offsets[-1] - offsets[0]), np.uint8)
                out_offsets = np.zeros(batch.num_rows + 1, np.int64)
                _clean(data, offsets, actions, out, out_offsets)
                buffers = [None, pa.py_buffer(out_offsets), pa.py_buffer(out[: out_offsets[-1]])]
                texts = pa.Array.from_buffers(texts.type, len(texts), buffers)
            return text_edits(batch, texts, counts.astype(np.float64))

        return edits
