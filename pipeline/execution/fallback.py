"""Operators that ask for their fallback: what stands in for them, as the step's folder records it.

A step is made with one operator at each place, or with its fallback, never with both: the driver first records that an
operator fell back, then drops what the step has committed, then makes it again. Every record of a unit says with which
fallbacks it was made, so nothing that was made otherwise is taken for the step's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pipeline.artifact import Fallback, ShardRecord
from pipeline.errors import CommitError, FallBackNeeded, OperatorError
from pipeline.execution.commit import StepFolder
from pipeline.operator import Operator


@dataclass(frozen=True, slots=True)
class StepFallbacks:
    """The operators of a step that have fallen back."""

    step: str
    granted: tuple[Fallback, ...]
    """In the order in which they asked."""

    @classmethod
    def recorded(cls, folder: StepFolder) -> "StepFallbacks":
        """Those that the step's folder knows of."""
        return cls(folder.step, folder.fallbacks())

    @property
    def labels(self) -> tuple[str, ...]:
        """As records of units carry them."""
        return tuple(sorted(fallback.operator for fallback in self.granted))

    @property
    def by_operator(self) -> tuple[Fallback, ...]:
        """As the manifest has them: which operator asked first may differ from run to run."""
        return tuple(sorted(self.granted, key=lambda fallback: fallback.operator))

    def standing_in(self, label: str, operator: Operator) -> Operator:
        """What runs at the place of an operator.

        Raises:
            CommitError: it would fall back on something else than the step's folder says.
        """
        for granted in self.granted:
            if granted.operator != label:
                continue
            fallback = operator.fallback()
            found = None if fallback is None else _changed(operator, fallback)
            if fallback is None or found != (granted.before, granted.after):
                raise CommitError(
                    f"step {self.step}, operator {label}: expected the fallback that an earlier run recorded, with "
                    f"{granted.after}; found {None if found is None else found[1]}; remove the step's folder and run "
                    "again"
                )
            operator = fallback
        return operator

    def asked(self, asked: FallBackNeeded, operators: Mapping[str, Operator]) -> Fallback:
        """The fallback that an operator asks for.

        Args:
            asked: what was raised on a worker.
            operators: of the step, as the recipe has them, by label.

        Raises:
            OperatorError: there is no such operator, or none that could stand in for it.
        """
        if asked.operator not in operators:
            raise OperatorError(
                f"step {self.step}: expected one of {sorted(operators)} to ask for its fallback; found "
                f"{asked.operator!r}; raise FallBackNeeded with the operator's title"
            ) from asked
        operator = self.standing_in(asked.operator, operators[asked.operator])
        fallback = operator.fallback()
        if type(fallback) is not type(operator) or fallback == operator:
            found = "the operator itself" if fallback == operator else repr(fallback)
            raise OperatorError(
                f"step {self.step}, operator {asked.operator}: expected a fallback, as it asks for one; found {found}; "
                f"it asks because: {asked.reason}"
            ) from asked
        return Fallback(asked.operator, *_changed(operator, fallback), asked.reason)


def _changed(operator: Operator, fallback: Operator) -> tuple[dict[str, object], dict[str, object]]:
    """The fields in which a fallback differs, before and after."""
    before, after = operator.model_dump(mode="json"), fallback.model_dump(mode="json")
    names = [name for name in before if before[name] != after[name]]
    return {name: before[name] for name in names}, {name: after[name] for name in names}


class MadeWith:
    """What the shards of a step were made with; they agree on it.

    Workers may have other versions of an engine, and so may this machine since an earlier run: rows of both in one
    artifact would be nobody's result.
    """

    def __init__(self, step: str) -> None:
        self._step = step
        self._of_segment: dict[int, dict[str, str]] = {}

    def expect(self, segment: int, records: Sequence[ShardRecord]) -> None:
        """Refuses records that were made with something else than the segment's others.

        Raises:
            CommitError: one was.
        """
        for record in records:
            expected = self._of_segment.setdefault(segment, record.made_with)
            if record.made_with != expected:
                label = next(name for name in expected | record.made_with if not _agree(name, expected, record))
                raise CommitError(
                    f"step {self._step}, shard {record.index}, operator {label}: expected it to be made with "
                    f"{expected.get(label)!r}, as the step's other shards; found {record.made_with.get(label)!r}; "
                    "install that version on every machine, or remove the step's folder and run again"
                )

    def of(self, segment: int) -> dict[str, str] | None:
        """What a segment's shards were made with; None while there are none."""
        return self._of_segment.get(segment)

    def of_step(self) -> dict[str, str]:
        """Over all segments, by label."""
        found: dict[str, str] = {}
        for made_with in self._of_segment.values():
            found |= made_with
        return dict(sorted(found.items()))


def _agree(label: str, expected: Mapping[str, str], record: ShardRecord) -> bool:
    return expected.get(label) == record.made_with.get(label)
