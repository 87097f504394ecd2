"""What each rule removes, alone and beside the others: questions to the values that a step kept.

K rules of all filters of a step, F filters.
"""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.ledger import Action
from pipeline.operator import BoolArray
from pipeline.report.judged_steps import JudgedStep, broken_rules

Matrix = tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class RuleShare:
    """Documents that one rule removes."""

    operator: str
    """The filter's label."""
    rule: str
    removed: int
    """By this rule first, as the ledger has it."""
    alone: int
    """If it were the only rule."""
    only: int
    """By it, and by no other rule."""


@dataclass(frozen=True, slots=True)
class Attribution:
    """One step's rules."""

    step: str
    rows_judged: int
    rows_removed: int
    """By any rule."""
    rules: tuple[RuleShare, ...]
    """In the order in which they judge."""
    overlap: Matrix
    """(F, F) documents that two filters both would remove; on the diagonal what one would."""
    rule_overlap: Matrix
    """(K, K) the same between rules."""

    @property
    def operators(self) -> tuple[str, ...]:
        """Labels of the filters, in the order of `overlap`."""
        return tuple(dict.fromkeys(share.operator for share in self.rules))

    def to_json(self) -> dict[str, Any]:  # Any: JSON
        """Plain data."""
        return {**asdict(self), "operators": self.operators}


def attribute(judged: JudgedStep) -> Attribution:
    """Counts a step's documents by the rules that they break, shard after shard."""
    rules = judged.rules
    labels = [label for label, _ in rules]
    belongs = np.array([[label == operator for operator in judged.filters] for label in labels])  # (K, F)
    num_rows = num_removed = 0
    only = np.zeros(len(rules), np.int64)
    between_rules = np.zeros((len(rules), len(rules)), np.int64)
    between = np.zeros((len(judged.filters), len(judged.filters)), np.int64)
    for _, batch in judged.batches():
        broken = broken_rules(batch, judged.filters)
        num_broken = broken.sum(axis=1)  # (D,)
        num_rows += batch.num_rows
        num_removed += int(np.count_nonzero(num_broken))
        only += broken[num_broken == 1].sum(axis=0)
        between_rules += _meetings(broken)
        between += _meetings(broken @ belongs)
    first = judged.manifest.rule_totals()
    shares = tuple(
        RuleShare(
            label,
            rule,
            removed=first.get(f"{label}/{Action.DROP}/{rule}", 0),
            alone=int(between_rules[place, place]),
            only=int(only[place]),
        )
        for place, (label, rule) in enumerate(rules)
    )
    return Attribution(judged.step, num_rows, num_removed, shares, _rows(between), _rows(between_rules))


def _meetings(marks: BoolArray) -> npt.NDArray[np.int64]:
    """Of (D, N) marks, (N, N) how many rows have both. Floats multiply fast, and are exact below 2**24 rows."""
    floats = marks.astype(np.float32)
    counts: npt.NDArray[np.int64] = (floats.T @ floats).astype(np.int64)
    return counts


def _rows(matrix: npt.NDArray[np.int64]) -> Matrix:
    return tuple(tuple(row) for row in matrix.tolist())
