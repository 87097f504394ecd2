"""What each part of a mix is to have: whole numbers, from weights, budgets and epochs, exact on every machine."""

import math
from collections.abc import Mapping
from decimal import Context, Decimal
from fractions import Fraction
from typing import Final, Self

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, model_validator

from operators.select.quota_budgets import largest_remainder

_DECIMAL: Final = Context(prec=50)
"""Powers are taken in decimals: those of floats may differ from library to library."""


class MixPart(BaseModel):
    """What one part is to have. Exactly one field is given."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    weight: FiniteFloat | None = Field(default=None, gt=0)
    """Its share of what parts with `tokens` or `epochs` leave of the budget, in proportion to all weights."""
    tokens: int | None = Field(default=None, ge=0)
    """So much, whatever the part has."""
    epochs: FiniteFloat | None = Field(default=None, ge=0)
    """So often what it has; 0 leaves it out, 2.5 takes all of it twice and half of it a third time."""

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        given = self.model_dump(exclude_none=True)
        if len(given) != 1:
            raise ValueError(f"expected exactly one of weight, tokens and epochs; found {given}")
        return self

    def fixed(self, size: int) -> int | None:
        """What it is to have, of a part of that size; None where its weight decides."""
        if self.epochs is not None:
            return int(Fraction(repr(self.epochs)) * size)
        return self.tokens


def mix_budgets(
    parts: Mapping[str, MixPart], sizes: Mapping[str, int], budget: int | None, temperature: float | None
) -> dict[str, int]:
    """What each of the `parts` is to have, by name.

    Args:
        parts: what is asked for.
        sizes: what each part has.
        budget: of all parts together, where weights are among them.
        temperature: weights are multiplied by size ** (1 / temperature): 1 is proportional, a large one is uniform.

    Raises:
        ValueError: parts that do not follow weights take more than the budget.
    """
    budgets = {name: part.fixed(sizes[name]) for name, part in parts.items()}
    taken = sum(one for one in budgets.values() if one is not None)
    weighted = sorted(name for name, one in budgets.items() if one is None)
    if weighted:
        assert budget is not None, "checked where fields are"
        if taken > budget:
            raise ValueError(f"expected a budget for all parts; found {budget}; parts without weight take {taken}")
        weights = _whole([_weight(parts[name], sizes[name], temperature) for name in weighted])
        budgets |= dict(zip(weighted, largest_remainder(budget - taken, weights), strict=True))
    return {name: one for name, one in budgets.items() if one is not None}


def _weight(part: MixPart, size: int, temperature: float | None) -> Fraction:
    weight = Fraction(repr(part.weight))
    if temperature is None:
        return weight
    if size == 0:
        return Fraction(0)
    exponent = _DECIMAL.divide(Decimal(1), Decimal(repr(temperature)))
    return weight * Fraction(_DECIMAL.power(Decimal(size), exponent))


def _whole(weights: list[Fraction]) -> list[int]:
    """Whole numbers in the same proportion."""
    scale = math.lcm(*(weight.denominator for weight in weights))
    return [int(weight * scale) for weight in weights]
