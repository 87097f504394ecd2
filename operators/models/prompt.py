"""Prompts around documents: a template file in, token ids out. Knows no model and no engine.

A template is the whole prompt as the model is to see it, with its special tokens written out and `{text}` where the
document stands. A document that writes special tokens out gets the ids of their characters: it cannot end its turn.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pipeline.errors import PlanError

if TYPE_CHECKING:
    from tokenizers import Tokenizer

PLACE: Final = "{text}"


@dataclass(frozen=True, slots=True)
class Prompt:
    """A template for one tokenizer.

    What stands next to the document up to the nearest special tokens is tokenized together with it, since tokens do
    not end where a document begins.
    """

    head: tuple[int, ...]
    """Ids up to the last special token before the document."""
    before: str
    after: str
    tail: tuple[int, ...]
    """Ids from the first special token behind the document."""
    context: str
    """The template's text behind its last special token: what an answer's first token follows."""

    @property
    def num_tokens(self) -> int:
        """Tokens of the template that no document changes."""
        return len(self.head) + len(self.tail)

    def encode(self, texts: Sequence[str], tokenizer: "Tokenizer") -> list[list[int]]:
        """The ids of the prompt of each text. `tokenizer` must read no special tokens out of text."""
        middles = [f"{self.before}{text}{self.after}" for text in texts]
        return [
            [*self.head, *encoding.ids, *self.tail]
            for encoding in tokenizer.encode_batch_fast(middles, add_special_tokens=False)
        ]


def compile_prompt(template: str, tokenizer: "Tokenizer", where: str) -> Prompt:
    """The prompt of a template. `where` names the operator and the file in errors."""
    if template.count(PLACE) != 1:
        raise PlanError(
            f"{where}: expected a template with {PLACE} once; found it {template.count(PLACE)} times; write it where "
            "the document's text belongs"
        )
    special = {token.content: number for number, token in tokenizer.get_added_tokens_decoder().items() if token.special}
    head, tail = (_pieces(part, special) for part in template.split(PLACE))
    before = head.pop()
    after = tail.pop(0)
    context = tail[-1] if tail else after
    return Prompt(
        head=_ids(head, special, tokenizer),
        before=before,
        after=after,
        tail=_ids(tail, special, tokenizer),
        context=context,
    )


def _pieces(part: str, special: dict[str, int]) -> list[str]:
    """Texts and special tokens in turns; begins and ends with a text, which may be empty."""
    if not special:
        return [part]
    longest_first = sorted(special, key=len, reverse=True)
    return re.split(f"({'|'.join(map(re.escape, longest_first))})", part)


def _ids(pieces: Sequence[str], special: dict[str, int], tokenizer: "Tokenizer") -> tuple[int, ...]:
    ids: list[int] = []
    for piece in pieces:
        ids += [special[piece]] if piece in special else tokenizer.encode(piece, add_special_tokens=False).ids
    return tuple(ids)
