"""Recipes with bytes and values changed at random: a recipe comes out, or a PlanError of one line; nothing else."""

import math
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from operators.catalogue import catalogue
from pipeline.errors import PlanError
from pipeline.plan.logical import Recipe
from pipeline.recipe import dump_recipe, load_recipe, parse_recipe

ROOT = Path(__file__).parents[2]
SHIPPED = [path for path in sorted((ROOT / "jobs" / "recipes").glob("*.yaml")) if path.stat().st_size < 4000]
"""Parsing YAML takes a millisecond a line."""
TEXTS = [path.read_text(encoding="utf-8") for path in SHIPPED]
DATA = [yaml.safe_load(text) for text in TEXTS]
CATALOGUE = catalogue()
SHORT = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
LONG = settings(max_examples=20_000, deadline=None, suppress_health_check=list(HealthCheck))

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=8),
    st.dates(),
    st.binary(max_size=4),
    st.sampled_from(["documents", "*", "", "../..", "step:documents/x", "-", 10**400, math.inf, "exchange", "repeat"]),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(SCALARS.filter(lambda key: key != {}), inner, max_size=3)
    ),
    max_leaves=6,
)
SPLICES = st.sampled_from(
    [
        "*a",
        "&a ",
        "<<: ",
        "!!python/object/apply:os.system [id]",
        "!!set ",
        "? ",
        "- ",
        "{",
        "]",
        "\t",
        "\0",
        "\ufeff",
        "~",
        "0x",
        "1e999",
        "%YAML 9.9\n---\n",
        "\ud800",
        "!!int x",
        "!!timestamp 9999-99-99",
        "!!binary x",
        "!!bool x",
        "!!timestamp x",
        "2024-13-45",
    ]
)


def outcome(text: str, overrides: tuple[str, ...] = ()) -> Recipe | str:
    """The recipe, or what was wrong with it."""
    try:
        return parse_recipe(text, CATALOGUE, overrides)
    except PlanError as error:
        return str(error)


def spliced(data: st.DataObject) -> str:
    """A shipped recipe with a few places cut out, doubled, or replaced."""
    text = data.draw(st.sampled_from(TEXTS))
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(text)))
        end = min(len(text), start + data.draw(st.integers(0, 30)))
        text = text[:start] + data.draw(SPLICES | st.text(max_size=5) | st.just(text[start:end] * 2)) + text[end:]
    return text


def replaced(value: Any, data: st.DataObject) -> Any:
    """Parsed YAML with one value inside, or one key, replaced by anything."""
    if isinstance(value, dict) and value and data.draw(st.integers(0, 4)):
        key = data.draw(st.sampled_from(sorted(value, key=repr)))
        if data.draw(st.integers(0, 7)) == 0:
            return {data.draw(SCALARS): value[key], **{name: inner for name, inner in value.items() if name != key}}
        return {**value, key: replaced(value[key], data)}
    if isinstance(value, list) and value and data.draw(st.integers(0, 4)):
        place = data.draw(st.integers(0, len(value) - 1))
        return [*value[:place], replaced(value[place], data), *value[place + 1 :]]
    return data.draw(VALUES)


def check(data: st.DataObject) -> None:
    if data.draw(st.booleans()):
        found = outcome(spliced(data))
    else:
        changed = replaced(data.draw(st.sampled_from(DATA)), data)
        found = outcome(yaml.safe_dump(changed, allow_unicode=True))
    if isinstance(found, Recipe):
        assert outcome(dump_recipe(found)) == found
    else:
        assert "\n" not in found


@SHORT
@given(st.data())
def test_a_recipe_or_one_line(data: st.DataObject):
    check(data)


@pytest.mark.soak
@pytest.mark.timeout(3600)
@LONG
@given(st.data())
def test_a_recipe_or_one_line_at_length(data: st.DataObject):
    check(data)


@SHORT
@given(
    st.sampled_from(TEXTS),
    st.sampled_from(["documents", "layout", "sources", "name", "steps", "near", "packed", "error_budget"]),
    st.lists(
        st.sampled_from(["shard_bytes", "operators", "x", "", "0", "paths", "web", "gopher_quality", "columns"]),
        max_size=4,
    ),
    SCALARS.map(str) | SPLICES,
)
def test_overrides_give_a_recipe_or_one_line(text: str, head: str, path: list[str], value: str):
    found = outcome(text, (f"{'.'.join([head, *path])}={value}",))
    assert isinstance(found, Recipe) or "\n" not in found


@pytest.mark.parametrize(
    "value",
    [
        "!!python/object/apply:os.system ['touch executed']",
        "!!python/object/new:os.system ['touch executed']",
        "!!python/name:os.system",
        "!!python/module:os",
        '!!python/object/apply:builtins.eval [\'open("executed", "w")\']',
    ],
)
def test_a_recipe_executes_nothing(value: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    for text in (value, f"imports: {value}\n{TEXTS[0]}", f"name: x\nsources: {value}\nsteps:\n- {value}\n"):
        assert "could not determine a constructor" in str(outcome(text))
    assert list(tmp_path.iterdir()) == []


LAUGHS = ["layout:", "- &a0 [lol, lol]", *(f"- &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 30))]


@pytest.mark.parametrize(
    "place",
    [
        "sources: {web: {paths: *a29}}",
        "name: *a29",
        "steps: [{name: *a29}]",
        "steps: [{name: x, read: *a29}]",
        "steps: [{name: x, read: web, minhash_deduplication: {order_by: *a29}}]",
        "steps: [{name: x, read: web, operators: [{gopher_quality: {stop_words: *a29}}]}]",
    ],
)
def test_a_billion_laughs_are_refused(place: str):
    assert "aliases stand for more" in str(outcome("\n".join([*LAUGHS, place])))


@pytest.mark.parametrize("text", ["[" * 5000, "{a: " * 5000, "- " * 5000 + "a", "a: " + "[" * 60 + "]" * 60])
def test_deep_nesting_is_refused(text: str):
    assert isinstance(outcome(text), str)


@pytest.mark.parametrize("value", ["!!bool x", "!!timestamp x", "!!int x", "!!float x", "2024-13-45", "9" * 5000])
def test_scalars_that_are_not_what_they_are_tagged_as(value: str):
    assert "found a value that cannot be" in str(outcome(f"name: {value}\n"))


def test_a_recipe_that_holds_itself_is_refused():
    for text in ("&a [*a]", "&a {a: *a}", "name: x\nsteps: &a [*a]", "name: x\nsteps: [&a {name: x, operators: [*a]}]"):
        assert isinstance(outcome(text), str)


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"\x00", b"", b"\xef\xbb\xbf", b"name: \xe9", b"a" * 100_000])
def test_files_that_are_no_recipe(content: bytes, tmp_path: Path):
    path = tmp_path / "recipe.yaml"
    path.write_bytes(content)
    with pytest.raises(PlanError) as raised:
        load_recipe(path, CATALOGUE)
    assert "\n" not in str(raised.value)
