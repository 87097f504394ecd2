"""A budget parted among the cells of a pool: whole numbers that add up to it, whatever the shares are."""

from collections.abc import Mapping, Sequence

Cell = tuple[str, ...]
"""The values of the cell columns, in their order."""


def largest_remainder(total: int, weights: Sequence[int]) -> list[int]:
    """Whole parts of `total` in proportion to `weights`, none of them off by 1 or more.

    What is left after rounding down goes, one each, to the largest remainders; of equal ones the first gets it.
    """
    whole = sum(weights)
    if not whole:
        return [0] * len(weights)
    parts = [total * weight // whole for weight in weights]
    remainders = [total * weight % whole for weight in weights]
    largest = sorted(range(len(weights)), key=lambda place: (-remainders[place], place))
    for place in largest[: total - sum(parts)]:
        parts[place] += 1
    return parts


def cell_budgets(total: int, weights: Mapping[Cell, int]) -> dict[Cell, int]:
    """The budget of each cell: `total` parted by the first column, each part by the second, and so on.

    Cells are taken in the order of their names, so that equal remainders are decided alike for any order of rows.
    """
    if not weights or not next(iter(weights)):
        return dict.fromkeys(weights, total)
    groups: dict[str, dict[Cell, int]] = {}
    for cell in sorted(weights):
        groups.setdefault(cell[0], {})[cell[1:]] = weights[cell]
    parts = largest_remainder(total, [sum(group.values()) for group in groups.values()])
    return {
        (name, *rest): budget
        for (name, group), part in zip(groups.items(), parts, strict=True)
        for rest, budget in cell_budgets(part, group).items()
    }
