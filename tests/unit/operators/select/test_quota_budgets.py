"""Budgets in whole numbers: they add up, follow the shares, and depend on no order."""

from hypothesis import given
from hypothesis import strategies as st

from operators.select.quota_budgets import cell_budgets, largest_remainder

WEIGHTS = st.lists(st.integers(0, 10**15), min_size=1, max_size=12)


@given(total=st.integers(0, 10**15), weights=WEIGHTS)
def test_parts_add_up_and_none_is_off_by_one(total, weights):
    parts = largest_remainder(total, weights)
    whole = sum(weights)
    assert sum(parts) == (total if whole else 0)
    assert all(abs(part * whole - total * weight) < whole for part, weight in zip(parts, weights, strict=True) if whole)


def test_equal_remainders_go_to_the_first():
    assert largest_remainder(5, [1, 1, 1]) == [2, 2, 1]


@given(
    total=st.integers(0, 10**6),
    weights=st.dictionaries(
        st.tuples(st.sampled_from("abc"), st.sampled_from("xyz")), st.integers(0, 1000), min_size=1
    ),
    order=st.randoms(use_true_random=False),
)
def test_the_first_column_is_parted_first_and_order_changes_nothing(total, weights, order):
    found = cell_budgets(total, weights)
    outer = {name: sum(w for (first, _), w in weights.items() if first == name) for name, _ in weights}
    names = sorted(outer)
    expected = dict(zip(names, largest_remainder(total, [outer[name] for name in names]), strict=True))
    assert {name: sum(b for (first, _), b in found.items() if first == name) for name in names} == expected
    shuffled = list(weights.items())
    order.shuffle(shuffled)
    assert cell_budgets(total, dict(shuffled)) == found


def test_a_pool_without_cell_columns_is_one_cell():
    assert cell_budgets(7, {(): 100}) == {(): 7}
    assert cell_budgets(7, {}) == {}
