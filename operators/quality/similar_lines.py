"""Removal of sentences that are nearly equal to an earlier one of the same document, as MAP-NEO does."""

from typing import ClassVar, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import Field

from operators.repair.edited_text import text_edits
from operators.text.characters import decode, document_text, longest_text
from operators.text.key_table import KeyTable, add_key, empty_table, key_table_for
from operators.text.written_text import written_text
from pipeline.document import TEXT, TEXT_TYPE
from pipeline.hashing import WORD_MULTIPLIER
from pipeline.kernel import Bytes, Offsets, kernel
from pipeline.operator import Edits, Transform, TransformFunction

Counts = npt.NDArray[np.int64]
Distances = npt.NDArray[np.int32]

OPENING_MARKS: Final = (0x5B, 0x3010)
"""A sentence begins at [ and U+3010."""
CLOSING_MARKS: Final = (0x21, 0x2E, 0x3F, 0x5C, 0x5D, 0x2026, 0x3002, 0x3011, 0xFF01, 0xFF1F)
r"""A sentence ends with ! . ? \ ] and Chinese ones."""
MAX_EXACT_CHARS: Final = 15
"""Sentences of so few characters must be equal; MAP-NEO, edit_distance_dedup.py."""
FAR: Final = 1 << 30


class Scratch(NamedTuple):
    """Memory for documents up to a length. Letters are: N characters, and so at most N sentences; K compared ones."""

    code_points: npt.NDArray[np.uint32]  # (N,) of the document
    sentences: npt.NDArray[np.uint32]  # (N + 1,) where each begins in code_points, then where the last one ends
    recent: npt.NDArray[np.uint32]  # (K,) the last kept sentences that others are compared with, in a ring
    distances: Distances  # (longest compared sentence + 1,)
    table: KeyTable


@kernel
def split_sentences(data: Bytes, begin: np.uintp, end: np.uintp, scratch: Scratch) -> np.uintp:
    """Loads the characters of a document and where its sentences begin; returns how many there are."""
    num_chars = np.uintp(0)
    num_sentences = np.uintp(0)
    sentence = np.uintp(0)
    i = begin
    while i < end:
        code_point, width = decode(data, i)
        is_opening = False
        for mark in OPENING_MARKS:
            is_opening |= bool(code_point == np.uint32(mark))
        is_closing = False
        for mark in CLOSING_MARKS:
            is_closing |= bool(code_point == np.uint32(mark))
        scratch.code_points[num_chars] = code_point
        i += width
        stop = num_chars + np.uintp(is_closing)
        num_chars += np.uintp(1)
        if (is_opening or is_closing) and stop > sentence:
            scratch.sentences[num_sentences] = np.uint32(sentence)
            num_sentences += np.uintp(1)
            sentence = stop
    if num_chars > sentence:
        scratch.sentences[num_sentences] = np.uint32(sentence)
        num_sentences += np.uintp(1)
    scratch.sentences[num_sentences] = np.uint32(num_chars)
    return num_sentences


@kernel
def is_near(first: np.uintp, second: np.uintp, max_distance: np.int64, scratch: Scratch) -> bool:
    """Whether two sentences have an edit distance of at most `max_distance`. Computes only cells that matter."""
    code_points, row = scratch.code_points, scratch.distances
    a, b = np.int64(scratch.sentences[first]), np.int64(scratch.sentences[second])
    num_a = np.int64(scratch.sentences[first + np.uintp(1)]) - a
    num_b = np.int64(scratch.sentences[second + np.uintp(1)]) - b
    if abs(num_a - num_b) > max_distance:
        return False
    for j in range(num_b + 1):
        row[np.uintp(j)] = np.int32(j) if j <= max_distance else np.int32(FAR)
    for i in range(1, num_a + 1):
        low, high = max(np.int64(1), i - max_distance), min(num_b, i + max_distance)
        diagonal = row[np.uintp(low - 1)]
        left = np.int32(i) if low == 1 and i <= max_distance else np.int32(FAR)
        row[np.uintp(low - 1)] = left
        nearest = left
        for j in range(low, high + 1):
            above = row[np.uintp(j)]
            if code_points[np.uintp(a + i - 1)] == code_points[np.uintp(b + j - 1)]:
                left = diagonal
            else:
                left = np.int32(min(diagonal, above, left) + 1)
            row[np.uintp(j)] = left
            diagonal = above
            nearest = min(nearest, left)
        if nearest > max_distance:
            return False
    return bool(row[np.uintp(num_b)] <= max_distance)


@kernel
def sentence_hash(sentence: np.uintp, scratch: Scratch) -> np.uint64:
    """The hash of a sentence's characters."""
    result = np.uint64(0)
    for c in range(scratch.sentences[sentence], scratch.sentences[sentence + np.uintp(1)]):
        result = (result + np.uint64(scratch.code_points[np.uintp(c)]) + np.uint64(1)) * WORD_MULTIPLIER
    return result


@kernel
def resembles_recent(sentence: np.uintp, num_recent: np.uintp, max_fraction: float, scratch: Scratch) -> bool:
    """Whether a sentence is near one of the last kept ones."""
    num_chars = np.int64(scratch.sentences[sentence + np.uintp(1)]) - np.int64(scratch.sentences[sentence])
    num_compared = min(num_recent, np.uintp(scratch.recent.shape[0]))
    for k in range(num_compared):
        other = np.uintp(scratch.recent[np.uintp(k)])
        other_chars = np.int64(scratch.sentences[other + np.uintp(1)]) - np.int64(scratch.sentences[other])
        max_distance = np.int64(max_fraction * max(num_chars, other_chars))
        if is_near(other, sentence, max_distance, scratch):
            return True
    return False


@kernel
def put_document(
    data: Bytes, begin: np.uintp, num_sentences: np.uintp, max_fraction: float, scratch: Scratch, out: Bytes
) -> tuple[np.uintp, np.int64]:
    """Writes a document, whose sentences are loaded, without those that repeat; returns its length and how many go."""
    mask, stamp = empty_table(num_sentences, scratch.table)
    num_recent = np.uintp(0)
    num_removed = np.int64(0)
    at = np.uintp(0)
    i = begin
    for s in range(num_sentences):
        sentence = np.uintp(s)
        num_chars = np.int64(scratch.sentences[sentence + np.uintp(1)]) - np.int64(scratch.sentences[sentence])
        is_compared = num_chars > MAX_EXACT_CHARS and num_chars < np.int64(scratch.distances.shape[0])
        is_repeated = add_key(sentence_hash(sentence, scratch), mask, stamp, scratch.table)
        if not is_repeated and is_compared:
            is_repeated = resembles_recent(sentence, num_recent, max_fraction, scratch)
            if not is_repeated:
                scratch.recent[num_recent % np.uintp(scratch.recent.shape[0])] = np.uint32(sentence)
                num_recent += np.uintp(1)
        num_removed += np.int64(is_repeated)
        for _ in range(num_chars):
            _, width = decode(data, i)
            for j in range(i, i + width):
                if not is_repeated:
                    out[at] = data[np.uintp(j)]
                    at += np.uintp(1)
            i += width
    return at, num_removed


@kernel
def put_documents(
    data: Bytes,
    offsets: Offsets,
    max_fraction: float,
    scratch: Scratch,
    out: Bytes,
    out_offsets: Offsets,
    num_removed: Counts,
) -> None:
    """Writes all documents without sentences that repeat; `num_removed` (D,) takes how many go of each."""
    at = np.uintp(0)
    for document in range(num_removed.shape[0]):
        d = np.uintp(document)
        begin, end = np.uintp(offsets[d]), np.uintp(offsets[d + np.uintp(1)])
        num_sentences = split_sentences(data, begin, end, scratch)
        length, num_removed[d] = put_document(data, begin, num_sentences, max_fraction, scratch, out[at:])
        at += length
        out_offsets[d + np.uintp(1)] = np.int64(at)


class SimilarLines(Transform):
    r"""Removes sentences that are equal to an earlier one of the document, or nearly.

    A sentence ends with a mark of `. ! ? \ ]`, U+2026, U+3002, U+FF01, U+FF1F or U+3011, and before `[` or U+3010; line
    feeds end none. Two are nearly equal if their edit distance, in characters, is at most `max_distance_fraction` of
    the longer one's length; those of up to 15 characters must be equal.

    So that time is linear in the text, a sentence is compared with all before it for equality, but for being nearly
    equal only with the last `window` that stayed, and only if both have at most `max_compared_chars` characters.

    Columns:
        text: read and replaced. An edit's value is the number of sentences that went.

    Determinism:
        Exact.

    Raises:
        ValidationError: at construction, for a fraction outside 0..0.29 (beyond, the source has two more conditions),
            or a window or length below 1.

    Source:
        Zhang et al. 2024, arXiv 2405.19327, as released: MAP-NEO, commit 81f3cad,
        `deduplication/simlar_line_dedup/edit_distance_dedup.py`, which compares every pair. Its other conditions,
        similar lengths and common characters, follow from the distance.

    Cost:
        Linear in bytes; prose about 20 MB a CPU second. A hostile text, all of whose sentences begin alike, takes some
        seconds a MB.
    """

    name: ClassVar[str] = "similar_lines"

    max_distance_fraction: float = Field(default=0.1, ge=0, lt=0.3)
    """MAP-NEO, similar_line_dedup.py."""
    window: int = Field(default=100, ge=1)
    """Sentences that one is compared with."""
    max_compared_chars: int = Field(default=500, ge=1)
    """Longer sentences must be equal."""

    def requires(self) -> pa.Schema:
        """The text."""
        return pa.schema([pa.field(TEXT, TEXT_TYPE, nullable=False)])

    def rules(self) -> tuple[str, ...]:
        """One."""
        return ("similar_sentences",)

    def replaces(self) -> tuple[str, ...]:
        """The text."""
        return (TEXT,)

    def open(self) -> TransformFunction:
        """The function that compares; it holds no state."""
        return self._edits

    def _edits(self, batch: pa.RecordBatch) -> Edits:
        texts = batch.column(TEXT)
        data, offsets = document_text(texts)
        max_chars = longest_text(offsets)
        scratch = Scratch(
            code_points=np.empty(max_chars, np.uint32),
            sentences=np.empty(max_chars + 1, np.uint32),
            recent=np.empty(self.window, np.uint32),
            distances=np.empty(self.max_compared_chars + 1, np.int32),
            table=key_table_for(max_chars),
        )
        out = np.empty(int(offsets[-1] - offsets[0]), np.uint8)
        out_offsets = np.zeros(batch.num_rows + 1, np.int64)
        num_removed = np.zeros(batch.num_rows, np.int64)
        put_documents(data, offsets, self.max_distance_fraction, scratch, out, out_offsets, num_removed)
        replaced = written_text(out, out_offsets) if num_removed.any() else texts
        return text_edits(batch, replaced, num_removed.astype(np.float64)[:, np.newaxis])
