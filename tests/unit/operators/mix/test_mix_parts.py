"""What parts are to have: whole, exact, and all of the budget."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from operators.mix.mix_parts import MixPart, mix_budgets


def parts(**weights):
    return {name: MixPart(weight=weight) for name, weight in weights.items()}


def test_weights_part_what_is_left():
    wanted = {**parts(a=0.1, b=0.3), "c": MixPart(tokens=50), "d": MixPart(epochs=2.5), "e": MixPart(epochs=0)}
    sizes = {"a": 7, "b": 9, "c": 1000, "d": 20, "e": 10}
    assert mix_budgets(wanted, sizes, 200, None) == {"a": 25, "b": 75, "c": 50, "d": 50, "e": 0}


@pytest.mark.parametrize(
    ("temperature", "expected"), [(1, (990, 10)), (2, (909, 91)), (4, (759, 241)), (1e9, (500, 500))]
)
def test_temperature_flattens(temperature, expected):
    found = mix_budgets(parts(big=1, small=1), {"big": 9900, "small": 100}, 1000, temperature)
    assert (found["big"], found["small"]) == expected


def test_weights_count_beside_temperature():
    found = mix_budgets(parts(big=1, small=9.9), {"big": 9900, "small": 100}, 1000, 2)
    # 1 * 99.5 : 9.9 * 10
    assert (found["big"], found["small"]) == (501, 499)


def test_a_part_without_anything_gets_nothing_by_temperature():
    assert mix_budgets(parts(a=1, b=1), {"a": 10, "b": 0}, 100, 3) == {"a": 100, "b": 0}


@given(
    st.dictionaries(
        st.text(max_size=3), st.tuples(st.floats(1e-6, 1e6), st.integers(0, 10**15)), min_size=1, max_size=9
    ),
    st.integers(1, 10**15),
    st.none() | st.floats(0.1, 100),
)
def test_parts_add_up_to_the_budget(drawn, budget, temperature):
    wanted = {name: MixPart(weight=weight) for name, (weight, _) in drawn.items()}
    sizes = {name: size for name, (_, size) in drawn.items()}
    found = mix_budgets(wanted, sizes, budget, temperature)
    assert sum(found.values()) == (budget if temperature is None or any(sizes.values()) else 0)
    turned = dict(reversed(wanted.items()))
    assert mix_budgets(turned, sizes, budget, temperature) == found


def test_more_than_the_budget_is_refused():
    with pytest.raises(ValueError, match="parts without weight take 50"):
        mix_budgets({"a": MixPart(weight=1), "b": MixPart(tokens=50)}, {"a": 1, "b": 1}, 49, None)


@pytest.mark.parametrize("fields", [{}, {"weight": 1, "epochs": 1}, {"weight": 0}, {"epochs": -1}, {"tokens": -1}])
def test_a_part_says_one_thing(fields):
    with pytest.raises(ValidationError):
        MixPart(**fields)
