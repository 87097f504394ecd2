"""What the operators share that ask a model for programs: documents cut to fit a prompt, and a look at its answers."""

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from operators.models.prompt import Prompt
from operators.prox.programs import parse_strict

if TYPE_CHECKING:
    from tokenizers import Tokenizer

_LOG: Final = logging.getLogger(__name__)

PROMPTS: Final = "package:operators.prox/prompts"
NUM_CHECKED: Final = 64
"""Programs at first that are looked at."""
MIN_READABLE_FRACTION: Final = 0.5
"""Released models write programs that cannot be read once in some hundred (Zhou et al. 2024, appendix E.2). With the
template of another model they write none: most of those are not empty, and all of them change nothing."""


class ProgramCheck:
    """Looks at a worker's first programs, once."""

    def __init__(self, operator: str, prompt: str) -> None:
        self._operator = operator
        self._prompt = prompt
        self._num_seen = 0
        self._num_readable = 0

    def look_at(self, programs: Sequence[str]) -> None:
        """Counts programs that can be read, and warns when `NUM_CHECKED` are there and too few can."""
        for program in programs:
            if self._num_seen == NUM_CHECKED:
                return
            self._num_seen += 1
            self._num_readable += is_readable(program)
            if self._num_seen == NUM_CHECKED and self._num_readable < MIN_READABLE_FRACTION * NUM_CHECKED:
                _LOG.warning(
                    "%s: prompt %r: expected programs that can be read; found %d among the first %d; the model may "
                    "want another template",
                    self._operator,
                    self._prompt,
                    self._num_readable,
                    NUM_CHECKED,
                )


def is_readable(program: str) -> bool:
    """Whether a program has a call, even one that does nothing, and no error."""
    return bool(program.strip()) and parse_strict(program).num_errors == 0


def fitting_prompts(texts: Sequence[str], prompt: Prompt, tokenizer: "Tokenizer", max_tokens: int) -> list[list[int]]:
    """The ids of each prompt, with so much of the text's beginning that it has at most `max_tokens`.

    A prompt that is longer without any text stays longer.
    """
    prompts = prompt.encode(texts, tokenizer)
    for row, text in enumerate(texts):
        offsets = tokenizer.encode(text, add_special_tokens=False).offsets if len(prompts[row]) > max_tokens else []
        num_kept = len(offsets)
        while len(prompts[row]) > max_tokens and num_kept > 0:
            num_kept = max(num_kept - (len(prompts[row]) - max_tokens), 0)
            shown = text[: offsets[num_kept - 1][1]] if num_kept else ""
            prompts[row] = prompt.encode([shown], tokenizer)[0]
    return prompts
