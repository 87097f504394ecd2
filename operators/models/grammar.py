"""What an answer may be: fixed texts and choices in turns, and their tokens. Knows no model and no engine."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pipeline.errors import PlanError

Encode = Callable[[str], Sequence[int]]


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several texts."""

    options: tuple[str, ...]


Grammar = tuple[str | Choice, ...]
"""An answer's parts in order: what stands there always, and what is chosen."""


@dataclass(frozen=True, slots=True)
class ChoiceTokens:
    """A choice in tokens, and what follows whatever is chosen."""

    options: tuple[tuple[int, ...], ...]
    """The tokens of each option. They differ in the first, by which an option is chosen."""
    then: tuple[int, ...]

    @property
    def first_tokens(self) -> tuple[int, ...]:
        """The tokens that one of is chosen."""
        return tuple(option[0] for option in self.options)


@dataclass(frozen=True, slots=True)
class GrammarTokens:
    """A grammar in the tokens of one tokenizer."""

    opening: tuple[int, ...]
    """What stands before the first choice."""
    choices: tuple[ChoiceTokens, ...]

    @property
    def max_tokens(self) -> int:
        """Of the longest answer."""
        longest = sum(max(map(len, choice.options)) + len(choice.then) for choice in self.choices)
        return len(self.opening) + longest


def compile_grammar(grammar: Grammar, encode: Encode, context: str, where: str) -> GrammarTokens:
    """The tokens of a grammar behind the text `context`. `where` names the operator in errors.

    An option has the tokens that it has in its place. Refused is what would have other tokens after another choice,
    since the model would then be shown tokens that its tokenizer does not make.
    """
    text, ids = context, list(encode(context))
    opening: list[int] = []
    choices: list[ChoiceTokens] = []
    parts = _choices_and_then(grammar)
    for options, then in parts:
        behind = _choice_tokens(options, then, encode, (text, ids), where)
        if options == ("",):
            opening += behind.then
        else:
            choices.append(behind)
        text += options[0] + then
        ids += [*behind.options[0], *behind.then]
    return GrammarTokens(tuple(opening), tuple(choices))


def _choices_and_then(grammar: Grammar) -> list[tuple[tuple[str, ...], str]]:
    """Each choice with the fixed text behind it. What stands before the first is behind a choice of nothing."""
    parts: list[tuple[tuple[str, ...], str]] = [(("",), "")]
    for part in grammar:
        if isinstance(part, Choice):
            parts.append((part.options, ""))
        else:
            options, then = parts.pop()
            parts.append((options, then + part))
    return parts


def _choice_tokens(
    options: tuple[str, ...], then: str, encode: Encode, behind: tuple[str, list[int]], where: str
) -> ChoiceTokens:
    """The tokens of `options`, and of `then` behind them, after a text with given tokens."""
    text, ids = behind
    found = [_tokens_behind(ids, encode(text + option), option, where) for option in options]
    then_ids = _tokens_behind([*ids, *found[0]], encode(text + options[0] + then), then, where)
    for option, tokens in zip(options, found, strict=True):
        if list(encode(text + option + then)) != [*ids, *tokens, *then_ids]:
            raise PlanError(
                f"{where}: expected {then!r} behind {option!r} to be tokens of its own; found that they merge; put "
                "something else between the choices"
            )
    if options != ("",) and len({tokens[:1] for tokens in found}) < len(options):
        raise PlanError(
            f"{where}: expected options that differ in their first token; found others among "
            f"{options!r}; choose among other words"
        )
    return ChoiceTokens(tuple(found), then_ids)


def _tokens_behind(before: list[int], whole: Sequence[int], piece: str, where: str) -> tuple[int, ...]:
    """What is left of `whole` behind the tokens `before`."""
    if list(whole[: len(before)]) != before or (piece and len(whole) == len(before)):
        raise PlanError(
            f"{where}: expected {piece!r} to be tokens of its own; found that it merges with what stands before it; "
            "end the template, or what stands before the choice, with something else"
        )
    return tuple(whole[len(before) :])
