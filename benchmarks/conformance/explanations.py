"""Why decisions differ from datatrove's, by kind: found by reading documents of each."""

from typing import Final

EXPLANATIONS: Final[tuple[tuple[str, str, str, str], ...]] = ()
"""(filter, datatrove's decision, corpusmill's, why); each of the first three matches where it is part of the name."""


def explanation_of(name: str, theirs: str, ours: str) -> str:
    """Why; `not looked into` where nobody has."""
    for filter_part, their_part, our_part, why in EXPLANATIONS:
        if filter_part in name and their_part in theirs and our_part in ours:
            return why
    return "not looked into"
