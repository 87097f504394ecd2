"""What all prompts share, and where a text stops."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from operators.models.generation import cut_at_stop, shared_prefix

PROMPTS = st.lists(st.lists(st.integers(0, 2), min_size=1, max_size=6), max_size=5)


@given(PROMPTS)
def test_the_prefix_is_the_longest_that_leaves_something_of_each(prompts):
    prefix = shared_prefix(prompts)
    size = len(prefix)
    assert all(tuple(prompt[:size]) == prefix and len(prompt) > size for prompt in prompts)
    longer = {tuple(prompt[: size + 1]) for prompt in prompts}
    assert not prompts or len(longer) > 1 or min(map(len, prompts)) == size + 1


@given(PROMPTS)
def test_the_prefix_does_not_depend_on_the_order(prompts):
    assert shared_prefix(prompts) == shared_prefix(prompts[::-1])


@pytest.mark.parametrize(
    ("text", "stop", "expected"),
    [
        ("a\nb", ("\n",), "a"),
        ("ab", ("\n",), None),
        ("ab", (), None),
        ("one two three", ("three", "two"), "one "),
        ("", ("x",), None),
        ("x", ("x",), ""),
    ],
)
def test_a_text_ends_before_its_first_stop(text, stop, expected):
    assert cut_at_stop(text, stop) == expected
