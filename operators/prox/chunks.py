"""How ProX shows a document to the writer of a program: numbered lines, in chunks of so many tokens."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from tokenizers import Tokenizer

MAX_CHUNK_TOKENS: Final = 1500
"""Zhou et al. 2024, arXiv 2409.17115, appendix A.4: leaves room for a program in a context of 2,048."""


class Chunk(NamedTuple):
    """Neighbouring lines of a document."""

    first_line: int
    last_line: int
    """Included."""


def numbered_line(number: int, line: str) -> str:
    """The line behind its number in the document, of at least three digits."""
    return f"[{number:03d}]{line}"


def numbered_lines(text: str) -> list[str]:
    """All lines of a text as chunks show them; an empty text has none. Lines end with line feeds alone."""
    return [numbered_line(number, line) for number, line in enumerate(text.split("\n"))] if text else []


def cut_chunks(num_tokens: Sequence[int], max_tokens: int = MAX_CHUNK_TOKENS) -> Iterator[Chunk]:
    """Chunks of lines of so many tokens each: as many as fit. A longer line is a chunk by itself.

    The line feeds between lines are not counted, as in the released code (GAIR-NLP/ProX at b3fcbb2).
    """
    first = total = 0
    for line, num_line_tokens in enumerate(num_tokens):
        if line > first and total + num_line_tokens > max_tokens:
            yield Chunk(first, line - 1)
            first, total = line, 0
        total += num_line_tokens
    if num_tokens:
        yield Chunk(first, len(num_tokens) - 1)


def tokens_of_lines(tokenizer: "Tokenizer | None", lines: list[str]) -> list[int]:
    """The tokens of each line by itself, or without a tokenizer its words between whitespace.

    Special tokens that the tokenizer puts around a text count with every line, as in the released code; the paper
    counted words.
    """
    if tokenizer is None:
        return [len(line.split()) for line in lines]
    return [len(encoding.ids) for encoding in tokenizer.encode_batch_fast(lines, add_special_tokens=True)]
