"""Where the annotators run that operators derive from: each as late as possible, and once for all that share it.

Rule sets measure the same text, so neighbours share one pass over it. An operator that replaces what was measured ends
the sharing: behind it the annotators run again, over the text as it is then.

What operators on a GPU derive from may be computed before, by the stage that feeds theirs.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from pipeline.operator import Annotator, Operator, Transform

BEFORE: Final = -1
"""The place of an annotator that ran in the stage before."""


@dataclass(frozen=True, slots=True)
class Link:
    """One operator in a chain of row operators."""

    operator: Operator
    is_derived: bool
    """Whether it is an annotator that no recipe names: its columns are for the operators that derive from it."""
    reads_derived: tuple[str, ...]
    """Names of the columns that annotators before it left for it."""
    last_readers_of: tuple[str, ...]
    """Names of such columns that no operator behind it reads."""


@dataclass(slots=True)
class _Shared:
    """An annotator that is placed before operator `place`, and read last by operator `last`."""

    annotator: Annotator
    place: int
    last: int
    changed: set[str] = field(default_factory=set)
    """Columns that operators behind `place` replaced or added."""


def derive(
    operators: Sequence[Operator], *, given: Sequence[Annotator] = (), feeds: Sequence[Annotator] = ()
) -> tuple[Link, ...]:
    """The chain of `operators` with the annotators that they derive from.

    Args:
        operators: of one stage, in their order.
        given: annotators whose columns the stage before left.
        feeds: annotators whose columns are left for the stage behind, at the chain's end.
    """
    shared = [_Shared(annotator, BEFORE, BEFORE) for annotator in given]
    for place, operator in enumerate(operators):
        for wanted in operator.derives():
            _share(wanted, place, shared)
        changed = _changed_by(operator)
        for one in shared:
            one.changed |= changed
    links: list[Link] = []
    for place, operator in enumerate(operators):
        links += [Link(one.annotator, True, (), ()) for one in shared if one.place == place]
        reads = tuple(name for wanted in operator.derives() for name in wanted.adds().names)
        over = tuple(name for one in shared if one.last == place for name in one.annotator.adds().names)
        links.append(Link(operator, False, reads, over))
    links += [Link(annotator, True, (), ()) for annotator in feeds]
    return tuple(links)


def fed(operators: Sequence[Operator]) -> tuple[Annotator, ...]:
    """What `operators` derive from that may be computed before the first of them, since none changes what it reads."""
    shared: list[_Shared] = []
    changed: set[str] = set()
    for operator in operators:
        for wanted in operator.derives():
            if changed.isdisjoint(wanted.requires().names):
                _share(wanted, 0, shared)
        changed |= _changed_by(operator)
    return tuple(one.annotator for one in shared)


def _share(wanted: Annotator, place: int, shared: list[_Shared]) -> None:
    """Adds `wanted` to what an earlier operator shares, if the columns that it reads are still the same."""
    for one in shared:
        if one.changed.isdisjoint(wanted.requires().names) and one.changed.isdisjoint(one.annotator.requires().names):
            merged = one.annotator.merged(wanted)
            if merged is not None and (one.place != BEFORE or merged == one.annotator):
                one.annotator, one.last = merged, place
                return
    shared.append(_Shared(wanted, place, place))


def _changed_by(operator: Operator) -> frozenset[str]:
    if isinstance(operator, Transform):
        return frozenset(operator.replaces())
    return frozenset(operator.adds().names) if isinstance(operator, Annotator) else frozenset()
