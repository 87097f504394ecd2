"""How many words fastText's tokenizer finds in a text that begin with a letter or digit. Letters are: D documents."""

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from operators.text.characters import Classes, decode, document_text
from operators.text.regex_classes import ALPHANUMERIC, regex_classes
from pipeline.kernel import Bytes, Offsets, inline_kernel, kernel


@inline_kernel
def _is_separator(byte: np.uint8) -> np.bool_:
    """Whether fastText ends words at the byte: ASCII whitespace and NUL."""
    is_blank: np.bool_ = byte == np.uint8(0x20)
    is_control: np.bool_ = np.uint8(byte - np.uint8(0x09)) < np.uint8(5)
    is_null: np.bool_ = byte == np.uint8(0)
    return is_blank | is_control | is_null


@inline_kernel
def _is_ascii_alphanumeric(byte: np.uint8) -> np.bool_:
    is_letter: np.bool_ = np.uint8((byte | np.uint8(0x20)) - np.uint8(0x61)) < np.uint8(26)
    is_digit: np.bool_ = np.uint8(byte - np.uint8(0x30)) < np.uint8(10)
    return is_letter | is_digit


@kernel
def _count_words(data: Bytes, begin: np.uintp, end: np.uintp, classes: Classes) -> np.int64:
    """Words of one document that begin with a letter or digit."""
    num_words = np.int64(0)
    has_other: np.bool_ = np.bool_(False)
    for i in range(begin, end):
        byte = data[np.uintp(i)]
        is_first = (np.uintp(i) == begin) | _is_separator(data[max(np.uintp(i), np.uintp(1)) - np.uintp(1)])
        num_words += np.int64(is_first & _is_ascii_alphanumeric(byte))
        has_other |= is_first & (byte >= np.uint8(0x80))
    if has_other:
        for i in range(begin, end):
            if data[np.uintp(i)] >= np.uint8(0x80) and (
                np.uintp(i) == begin or _is_separator(data[np.uintp(i) - np.uintp(1)])
            ):
                code_point, _ = decode(data, np.uintp(i))
                num_words += np.int64(classes[code_point] & np.uint8(ALPHANUMERIC) != np.uint8(0))
    return num_words


@kernel
def _count_all_words(data: Bytes, offsets: Offsets, classes: Classes, num_words: npt.NDArray[np.int64]) -> None:
    for k in range(offsets.shape[0] - 1):
        d = np.uintp(k)
        num_words[d] = _count_words(data, np.uintp(offsets[d]), np.uintp(offsets[d + np.uintp(1)]), classes)


def count_fasttext_words(texts: pa.Array) -> npt.NDArray[np.int64]:
    """The words of each text, (D,): as fastText parts them, at ASCII whitespace and NUL, if alphanumeric at first."""
    data, offsets = document_text(texts)
    num_words = np.zeros(len(texts), np.int64)
    _count_all_words(data, offsets, regex_classes(), num_words)
    return num_words
