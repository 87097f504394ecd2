"""What a batch is to a mix."""

import numpy as np

from operators.mix.mix_budgets import MixBudgets
from tests.unit.operators.mix.mixes import pool


def test_rows_have_parts_copies_and_draws():
    batch = pool([("web", 5, 2), ("book", 5, None), (None, 5, 1), ("wiki", 5, 0)])
    operator = MixBudgets(others={"epochs": 1}, copies="copies")
    rows = operator.mix_rows(batch, {"book": 0, "web": 1})
    assert rows.codes.tolist() == [1, 0, -1, -1]
    assert rows.copies.tolist() == [2, 1, 1, 0]
    assert len(np.unique(rows.draws)) == 4
    assert sorted(operator.names_of(batch)) == ["book", "web", "wiki"]
    assert MixBudgets(others={"epochs": 1}).mix_rows(batch, {}).copies.tolist() == [1] * 4
