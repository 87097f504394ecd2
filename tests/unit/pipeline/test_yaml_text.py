import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import PlanError
from pipeline.yaml_text import plain_data

BOMB = "paths: [&a [x,x,x,x,x,x,x,x,x]" + "".join(
    f", &{name} [{','.join([f'*{before}'] * 9)}]" for before, name in zip("abcdefghi", "bcdefghij", strict=True)
) + "]"  # fmt: skip

SCALARS = st.none() | st.booleans() | st.integers() | st.text()
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=10)


@given(VALUES)
def test_what_is_dumped_comes_back(value: object) -> None:
    assert plain_data(yaml.safe_dump(value), "recipe") == value


def test_nothing_is_none() -> None:
    assert plain_data("", "recipe") is None


def test_anchors_and_merges_are_read() -> None:
    text = "base: &base {a: 1, b: [2]}\nother: {<<: *base, a: 3}\nagain: [*base, *base]"
    base = {"a": 1, "b": [2]}
    assert plain_data(text, "recipe") == {"base": base, "other": {"a": 3, "b": [2]}, "again": [base, base]}


def test_a_merged_mapping_may_itself_replace_what_it_merges() -> None:
    text = "a: &a {x: 1}\nb: &b {<<: *a, x: 2}\nc: {<<: [*b, *a], x: 3}\nd: {<<: *b}"
    found = plain_data(text, "recipe")
    assert [found[name] for name in "abcd"] == [{"x": 1}, {"x": 2}, {"x": 3}, {"x": 2}]


@pytest.mark.parametrize(
    ("text", "key", "first", "second"),
    [
        ("name: x\nsteps: []\nlayout: {}\nsteps: []\n", "steps", 2, 4),
        ("a:\n- b: {c: 1,\n      c: 1}\n", "c", 2, 3),
        ("a: {b: 1, b: 2}\na: 2", "a", 1, 2),
        ("a: {'b': 1, b: 2}", "b", 1, 1),
        ("a: {b: &b {c: 1}, d: {<<: *b, c: 2,\n c: 3}}", "c", 1, 2),
    ],
)
def test_a_key_that_stands_twice_is_told_with_both_lines(text: str, key: str, first: int, second: int) -> None:
    with pytest.raises(PlanError) as raised:
        plain_data(text, "recipe.yaml")
    assert str(raised.value) == (
        f"recipe.yaml: expected each key of a mapping once; found {key!r} in line {first} and again in line {second}; "
        "keep one of them"
    )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("!!python/object/apply:os.system ['touch pwned']", "could not determine a constructor"),
        ("!!python/name:os.system", "could not determine a constructor"),
        ("a: !!python/tuple [1]", "could not determine a constructor"),
        ("!custom {}", "could not determine a constructor"),
        (BOMB, "expected at most 1,000,000 values"),
        ("&a [*a]", "an alias inside of what it stands for"),
        ("a: &a {b: {c: *a}}", "an alias inside of what it stands for"),
        ("[" * 100_000, "nested too deep"),
        ("{a: " * 100_000, "nested too deep"),
        ("day: 2026-13-45", "found a value that cannot be: month must be in 1..12"),
        ("a: [1", "expected YAML"),
        ("a: 1\n--- \nb: 2", "expected YAML"),
        ("\x00", "expected YAML"),
    ],
)
def test_what_is_no_plain_data_is_told_in_one_line(text: str, told: str) -> None:
    with pytest.raises(PlanError) as raised:
        plain_data(text, "recipe.yaml")
    message = str(raised.value)
    assert told in message
    assert message.startswith("recipe.yaml: expected ")
    assert "\n" not in message
    assert len(message) < 500
