"""Reads the answers of DataMan's models, and refuses whatever is not exactly one: a rating is never guessed."""

from collections.abc import Sequence
from enum import StrEnum

import pyarrow as pa

from operators.dataman.criteria import DOMAIN, DOMAIN_TYPE, DOMAINS, LINES, RATING_TYPE, Mode, choices_of

Values = dict[str, int | str]
"""A rating by criterion, and the name of the domain under `domain`."""


class Status(StrEnum):
    """How a document came to its ratings, or why it has none."""

    OK = "ok"
    """Rated by its whole text."""
    TRUNCATED = "truncated"
    """Rated by the head and the tail of its text."""
    MALFORMED = "malformed"
    """Not rated: the answer is not one letter or number a line, as asked."""
    LOW_MASS = "low_mass"
    """Not rated: the model would rather have written something else than an answer."""
    EMPTY = "empty"
    """Not rated: there is no text."""
    OVERLONG = "overlong"
    """Not rated: the prompt and its answer do not fit the model's context."""


IS_RATED = frozenset({Status.OK, Status.TRUNCATED})


def parse_answer(answer: str, mode: Mode) -> Values | None:
    """The values of an answer; None unless every line is there, in its range, and nothing else.

    White space around the answer, and around each line, does not count.
    """
    lines = [line.strip() for line in answer.strip().split("\n")]
    return values_of(lines, mode)


def values_of(lines: Sequence[str], mode: Mode) -> Values | None:
    """The values of an answer whose lines are given."""
    names = LINES[mode]
    if len(lines) != len(names):
        return None
    if any(line not in choices_of(name) for name, line in zip(names, lines, strict=True)):
        return None
    return {name: DOMAINS[line] if name == DOMAIN else int(line) for name, line in zip(names, lines, strict=True)}


def rating_columns(answers: Sequence[Values | None], mode: Mode) -> list[pa.Array]:
    """The columns of D answers; null where there is none."""
    return [
        pa.array(
            [None if values is None else values[name] for values in answers],
            DOMAIN_TYPE if name == DOMAIN else RATING_TYPE,
        )
        for name in LINES[mode]
    ]
