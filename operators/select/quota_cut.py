"""Where each cell's quota ends: the place in the order of its documents at which their weights reach its budget.

The order is one of 96-bit numbers, a rank by score and a draw, and the place is found digit by digit, from the highest
down: each pass over the pool adds up weights by the next digit of the documents that share the digits found so far. So
memory does not grow with documents, and nothing is sampled. Letters are: C cells, D documents.
"""

from collections.abc import Callable, Iterator
from typing import Final, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from pipeline.kernel import kernel
from pipeline.operator import BoolArray

DIGIT_BITS: Final = 12
NUM_DIGITS: Final = 1 << DIGIT_BITS
SCORE_BITS: Final = 36
SCORE_SPARE_BITS: Final = SCORE_BITS - 32
"""A rank is a number of 32 bits, moved up to fill whole digits."""
HASH_BITS: Final = 60
HASH_SPARE_BITS: Final = 64 - HASH_BITS
"""A draw loses so many of its 64 bits, to fill whole digits."""

SKIPPED: Final = -1
ABOVE_ALL: Final = np.uint64(1 << 63)
"""A rank that no document has."""

Words = npt.NDArray[np.uint64]
Sums = npt.NDArray[np.int64]


class Keys(NamedTuple):
    """Documents that may be chosen, in one batch."""

    cells: Sums  # (D,)
    ranks: Words  # (D,) of SCORE_BITS
    draws: Words  # (D,) of HASH_BITS
    weights: Sums  # (D,)


class Cut(NamedTuple):
    """Where the quotas of C cells end: documents whose (rank, draw) is not below (rank, draw) are chosen."""

    ranks: Words  # (C,)
    draws: Words  # (C,)
    num_chosen: Sums  # (C,)
    chosen_weight: Sums  # (C,)


def is_chosen(ranks: Words, draws: Words, least_ranks: Words, least_draws: Words) -> BoolArray:
    """Which documents are not below the cut, (D,) each."""
    chosen: BoolArray = (ranks > least_ranks) | ((ranks == least_ranks) & (draws >= least_draws))
    return chosen


def find_cut(
    passes: Callable[[], Iterator[Keys]], budgets: Sums, fill: Literal["reach", "within"], *, has_ranks: bool
) -> Cut:
    """The cut of each cell.

    Args:
        passes: the documents that may be chosen; called once for each digit that is needed.
        budgets: (C,) weight that each cell is to have. In a cell without a budget none is chosen.
        fill: `reach`: the document that reaches or passes the budget is the last one chosen; `within`: the first one
            that would pass it is not chosen, nor any after it.
        has_ranks: whether ranks differ; their digits are not looked for otherwise.
    """
    search = _Search(budgets, fill)
    for is_draw, num_bits in ((False, SCORE_BITS if has_ranks else 0), (True, HASH_BITS)):
        for shift in range(num_bits - DIGIT_BITS, -1, -DIGIT_BITS):
            if search.is_open.any():
                search.take_digit(passes(), shift, is_draw=is_draw)
    return search.cut()


class _Search:
    """The digits found so far, and what lies above them; (C,) each."""

    def __init__(self, budgets: Sums, fill: Literal["reach", "within"]) -> None:
        self._budgets, self._fill = budgets, fill
        self._ranks = np.where(budgets > 0, np.uint64(0), ABOVE_ALL)
        self._draws = np.zeros(len(budgets), np.uint64)
        self._num_above, self._weight_above = np.zeros_like(budgets), np.zeros_like(budgets)
        self._num_last, self._weight_last = np.zeros_like(budgets), np.zeros_like(budgets)
        """Of documents that have the digits found, among which the quota ends; none where it takes all."""
        self.is_open = budgets > 0
        """Where those are several, so that more digits are needed."""

    def take_digit(self, documents: Iterator[Keys], shift: int, *, is_draw: bool) -> None:
        """Finds the next digit of each open cell."""
        sums, counts = np.zeros((2, len(self._budgets), NUM_DIGITS), np.int64)
        prefixes = self._draws if is_draw else self._ranks
        for keys in documents:
            counted = self.is_open[keys.cells]
            if is_draw:
                counted &= keys.ranks == self._ranks[keys.cells]
            cells = np.where(counted, keys.cells, SKIPPED)
            words = keys.draws if is_draw else keys.ranks
            add_digits(cells, words, keys.weights, prefixes, np.uint64(shift), sums, counts)
        for cell in np.flatnonzero(self.is_open):
            self._end_in(int(cell), sums[cell], counts[cell], prefixes, np.uint64(shift))

    def _end_in(self, cell: int, sums: Sums, counts: Sums, prefixes: Words, shift: np.uint64) -> None:
        """Goes down the digits of one cell, from the highest, to the one within which its quota ends."""
        downwards = self._weight_above[cell] + np.cumsum(sums[::-1])
        budget = self._budgets[cell]
        ending = np.flatnonzero(downwards >= budget if self._fill == "reach" else downwards > budget)
        digit = NUM_DIGITS - 1 - int(ending[0]) if len(ending) else -1
        self._weight_above[cell] += sums[digit + 1 :].sum()
        self._num_above[cell] += counts[digit + 1 :].sum()
        if digit < 0:  # only of a first digit: the quota takes the whole cell
            self.is_open[cell] = False
            return
        self._num_last[cell], self._weight_last[cell] = counts[digit], sums[digit]
        self.is_open[cell] = counts[digit] > 1 and (shift > 0 or prefixes is self._ranks)
        beyond = self._fill == "within" and not self.is_open[cell]
        prefixes[cell] |= np.uint64(digit) << shift
        if beyond:
            prefixes[cell] += np.uint64(1) << shift

    def cut(self) -> Cut:
        """What was found. Documents that agree in all digits are chosen together, or together not."""
        takes_last = self._fill == "reach"
        return Cut(
            self._ranks,
            self._draws,
            self._num_above + takes_last * self._num_last,
            self._weight_above + takes_last * self._weight_last,
        )


@kernel
def add_digits(
    cells: Sums, words: Words, weights: Sums, prefixes: Words, shift: np.uint64, sums: Sums, counts: Sums
) -> None:
    """Adds the weights of D documents to their cells' sums, (C, digits), by the digit of their word at `shift`.

    Documents of a cell SKIPPED are not counted, nor those whose higher digits are not those of the cell's prefix.
    """
    known = shift + np.uint64(DIGIT_BITS)
    for document in range(cells.shape[0]):
        d = np.uintp(document)
        if cells[d] == np.int64(SKIPPED):
            continue
        cell = np.uintp(cells[d])
        if (words[d] ^ prefixes[cell]) >> known == np.uint64(0):
            digit = np.uintp((words[d] >> shift) & np.uint64(NUM_DIGITS - 1))
            sums[cell, digit] += weights[d]
            counts[cell, digit] += np.int64(1)
