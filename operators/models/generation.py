"""What operators ask of a model that writes: one of the answers of a grammar, or free text, always the likeliest.

Nothing is sampled: every token is the one that the model finds most probable, of all tokens or of those that the
grammar allows. Knows no model library.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from operators.models.engine import needs_extra
from operators.models.grammar import GrammarTokens
from operators.models.settings import ModelSettings
from pipeline.folder_ref import FolderRef

if TYPE_CHECKING:
    from tokenizers import Tokenizer

Prompts = Sequence[Sequence[int]]
"""Token ids of each prompt."""


@dataclass(frozen=True, slots=True)
class ChosenAnswer:
    """An answer of a grammar."""

    options: tuple[int, ...]
    """For each choice the number of its option."""
    min_mass: float
    """The least probability, over all choices, that the model gave to the choice's options together."""


class Finish(StrEnum):
    """Why a text ends."""

    STOP = "stop"
    """The model ended it, or it came to a stop string."""
    LENGTH = "length"
    """As many tokens as were asked for, or as the model's context holds."""
    OVERLONG = "overlong"
    """There is none: the prompt fills the model's context."""


@dataclass(frozen=True, slots=True)
class Generation:
    """A text that a model wrote."""

    text: str
    """Up to the stop string, if there was one, and without special tokens."""
    num_tokens: int
    finish: Finish


class Generator(Protocol):
    """A causal language model that writes."""

    @property
    def context(self) -> int:
        """Tokens that prompt and answer may have together."""
        ...

    def choose(self, prompts: Prompts, grammar: GrammarTokens) -> list[ChosenAnswer | None]:
        """The answer to each prompt, chosen part by part; None where prompt and answer exceed the context."""
        ...

    def write(self, prompts: Prompts, *, max_tokens: int, stop: Sequence[str] = ()) -> list[Generation]:
        """What the model writes behind each prompt: at most `max_tokens`, up to the first text of `stop`."""
        ...


def load_generator(operator: str, model: FolderRef, settings: ModelSettings, tokenizer: "Tokenizer") -> Generator:
    """The causal model of a folder, run by the engine that `settings` name.

    Args:
        operator: for messages.
        model: pinned.
        settings: how the model runs.
        tokenizer: the model's own.

    Raises:
        PlanError: the engine's extra is not installed, or the folder holds no causal model that it knows.
        StorageError: the folder is not what was pinned.
    """
    if settings.engine == "vllm":
        with needs_extra(operator, "vllm"):
            from operators.models.vllm_engine import VllmGenerator  # noqa: PLC0415 -- loads vllm
        return VllmGenerator(operator, model, settings)
    with needs_extra(operator, "models"):
        from operators.models.transformers_generation import TransformersGenerator  # noqa: PLC0415 -- loads torch
    return TransformersGenerator(operator, model, settings, tokenizer)


def shared_prefix(prompts: Prompts) -> tuple[int, ...]:
    """The tokens that all prompts begin with, at least one token of each left over.

    It follows from the prompts alone, so equal windows compute equal numbers.
    """
    if not prompts:
        return ()
    first, last = min(map(tuple, prompts)), max(map(tuple, prompts))
    longest = min(map(len, prompts)) - 1
    for place in range(longest):
        if first[place] != last[place]:
            return first[:place]
    return first[: max(longest, 0)]


def cut_at_stop(text: str, stop: Sequence[str]) -> str | None:
    """The text before the first of the stop strings; None where it has none."""
    places = [place for end in stop if (place := text.find(end)) >= 0]
    return text[: min(places)] if places else None
