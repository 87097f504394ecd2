"""What DataMan's models are shown of a text: cleaned, and of a long text its head and its tail.

The excerpt goes into a prompt and nowhere else: the document keeps its text.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from tokenizers import Tokenizer

QUOTED_ELLIPSIS: Final = re.compile(r'\A["“”](?:\.{3,}|…+)["“”]')
IMAGE_BEGIN: Final = "![]("
IMAGE_END: Final = ")\n"


@dataclass(frozen=True, slots=True)
class ExcerptLimits:
    """How much of a text is shown. Of what is longer, both halves of the limit are taken from its ends."""

    max_tokens: int
    max_chars: int
    ellipsis: str
    """What stands between head and tail where tokens were cut."""


@dataclass(frozen=True, slots=True)
class Excerpt:
    """What is shown of a text, and whether anything of it was left out."""

    text: str
    is_truncated: bool


def cleaned(text: str) -> str:
    """The text without an ellipsis in quotes at its beginning, and without images that have no description."""
    return _without_images(QUOTED_ELLIPSIS.sub("", text))


def _without_images(text: str) -> str:
    """The text without every `![](ADDRESS)` and the newline behind it, in one pass whatever the text is."""
    kept = []
    begin, close = 0, -1
    image = text.find(IMAGE_BEGIN)
    while image >= 0:
        address = image + len(IMAGE_BEGIN)
        if close < address:
            close = text.find(")", address)
        if close < 0:
            break
        if close > address and text.startswith(IMAGE_END, close):
            kept.append(text[begin:image])
            begin = address = close + len(IMAGE_END)
        image = text.find(IMAGE_BEGIN, address)
    return "".join([*kept, text[begin:]])


def excerpts(texts: Sequence[str], tokenizer: "Tokenizer", limits: ExcerptLimits) -> list[Excerpt]:
    """The excerpt of each text. `tokenizer` must read no special tokens out of text."""
    ready = [cleaned(text) for text in texts]
    parts = [_ends(text, limits.max_chars) for text in ready]
    encodings = iter(tokenizer.encode_batch_fast([part for ends in parts for part in ends], add_special_tokens=False))
    ids = [[token for _ in ends for token in next(encodings).ids] for ends in parts]
    return [
        _excerpt(text, tokens, tokenizer, limits, is_cut=len(ends) > 1)
        for text, ends, tokens in zip(ready, parts, ids, strict=True)
    ]


def _ends(text: str, max_chars: int) -> tuple[str, ...]:
    """The text, or its two ends where it is longer than `max_chars`. An odd limit gives the tail one more."""
    if len(text) <= max_chars:
        return (text,)
    num_head = max_chars // 2
    return (text[:num_head], text[len(text) - (max_chars - num_head) :])


def _excerpt(text: str, tokens: list[int], tokenizer: "Tokenizer", limits: ExcerptLimits, *, is_cut: bool) -> Excerpt:
    if len(tokens) > limits.max_tokens:
        num_head = limits.max_tokens // 2
        head, tail = tokens[:num_head], tokens[len(tokens) - (limits.max_tokens - num_head) :]
        text = limits.ellipsis.join(tokenizer.decode_batch([head, tail], skip_special_tokens=False))
        is_cut = True
    elif is_cut:
        text = tokenizer.decode(tokens, skip_special_tokens=False)
    return Excerpt(text.strip(), is_cut)
