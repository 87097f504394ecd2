"""The tokens of a text as fastText splits it, a block at a time, with what each is found by.

A block's tokens are hashed before the first is looked up, so that the tables are asked of memory all at once.
"""

from typing import Final, NamedTuple

import numpy as np

from operators.fasttext.model_file import Offsets
from operators.fasttext.network import Keys, key_of
from pipeline.byte_blocks import BLOCK, bytes_below, count_bytes, load_block, marks_below, marks_of
from pipeline.kernel import Bytes, borrowing_kernel, inline_kernel

SPACE: Final = np.uint8(0x20)
SEPARATORS: Final = np.uint64(sum(1 << byte for byte in b"\0\t\n\v\f\r "))
"""What fastText splits words at: bits of the bytes up to a space. The spaces of Unicode are letters to it."""

LESS_THAN: Final = np.uint64(0x3C)
END_OF_LINE_BYTES: Final = np.uintp(4)

BLOCK_TOKENS: Final = 64
"""Their lines of the tables stay in the first cache until they are read."""


class Tokens(NamedTuple):
    """Some tokens that follow each other. One without bytes is the end of the text."""

    begins: Offsets  # (BLOCK_TOKENS,)
    ends: Offsets  # (BLOCK_TOKENS,)
    keys: Keys  # (BLOCK_TOKENS,)


def empty_tokens() -> Tokens:
    """Memory for a block."""
    return Tokens(
        np.zeros(BLOCK_TOKENS, np.int64),
        np.zeros(BLOCK_TOKENS, np.int64),
        np.zeros(BLOCK_TOKENS, np.uint64),
    )


@inline_kernel
def is_separator(byte: np.uint8) -> bool:
    """Whether fastText splits words at this byte."""
    return bool(byte <= SPACE and (SEPARATORS >> np.uint64(byte)) & np.uint64(1) != np.uint64(0))


@inline_kernel
def is_end_of_line(data: Bytes, begin: np.uintp, end: np.uintp) -> bool:
    """Whether the token is `</s>`."""
    return bool(
        end - begin == np.uintp(4)
        and data[begin] == np.uint8(0x3C)
        and data[begin + np.uintp(1)] == np.uint8(0x2F)
        and data[begin + np.uintp(2)] == np.uint8(0x73)
        and data[begin + np.uintp(3)] == np.uint8(0x3E)
    )


@borrowing_kernel
def has_end_of_line(data: Bytes, begin: np.uintp, end: np.uintp) -> bool:
    """Whether there is a `</s>` anywhere in `data[begin:end]`, also within a token."""
    i = begin
    while i + END_OF_LINE_BYTES <= end:
        if i + BLOCK <= end:
            marks = marks_of(load_block(data, i), LESS_THAN)
            if marks == np.uint64(0):
                i += BLOCK
                continue
            i += count_bytes(bytes_below(marks))
        if i + END_OF_LINE_BYTES <= end and is_end_of_line(data, i, i + END_OF_LINE_BYTES):
            return True
        i += np.uintp(1)
    return False


@inline_kernel
def end_of_token(data: Bytes, begin: np.uintp, end: np.uintp) -> np.uintp:
    """Where the first separator from `begin` on is; `end` where there is none."""
    i = begin
    while i + BLOCK <= end:
        block = load_block(data, i)
        marks = marks_below(block, np.uint64(SPACE) + np.uint64(1))
        if marks == np.uint64(0):
            i += BLOCK
            continue
        i += count_bytes(bytes_below(marks))
        if is_separator(data[i]):
            return i
        i += np.uintp(1)  # another control character
    while i < end and not is_separator(data[i]):
        i += np.uintp(1)
    return i


@inline_kernel
def next_token(data: Bytes, i: np.uintp, end: np.uintp) -> tuple[np.uintp, np.uintp]:
    """Where the next token begins and ends; an empty one where there is none."""
    while i < end and is_separator(data[i]):
        i += np.uintp(1)
    return i, end_of_token(data, i, end)


@inline_kernel
def read_tokens(data: Bytes, i: np.uintp, end: np.uintp, tokens: Tokens) -> tuple[np.uintp, np.uintp]:
    """Fills a block from byte `i` on; returns how many tokens, and the place behind them.

    At the end of the text the last of them is empty.
    """
    num_tokens = np.uintp(0)
    is_empty = False
    while num_tokens < np.uintp(BLOCK_TOKENS) and not is_empty:
        begin, i = next_token(data, i, end)
        tokens.begins[num_tokens], tokens.ends[num_tokens] = np.int64(begin), np.int64(i)
        tokens.keys[num_tokens] = key_of(data, begin, i)
        num_tokens += np.uintp(1)
        is_empty = begin == i
    return num_tokens, i
