"""Mixes against a plain walk over drawn documents: each part within one document of what it is to have."""

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from operators.mix.draws import Purpose, draws_of
from operators.mix.mix_budgets import MixBudgets
from pipeline.errors import OperatorError
from tests.unit.operators.mix.mixes import mixed, pool

ROWS = st.lists(
    st.tuples(
        st.sampled_from(["web", "book", "code", None]), st.integers(0, 50) | st.none(), st.integers(0, 4) | st.none()
    ),
    max_size=60,
)
PARTS = st.fixed_dictionaries(
    {
        name: st.builds(lambda tokens: {"tokens": tokens}, st.integers(0, 900))
        | st.builds(lambda epochs: {"epochs": epochs}, st.floats(0, 4).map(lambda value: round(value, 3)))
        for name in ("web", "book", "code")
    }
)


def plainly(rows, parts, *, has_copies):
    """How often each row is to be there, by sorting."""
    draws = draws_of(pool(rows).column("doc_id"), 1, Purpose.MIX)
    times = [None if source is None else 0 for source, _, _ in rows]
    for name, part in parts.items():
        members = [
            (int(draws[row]), row, tokens or 0, (1 if copies is None else copies) if has_copies else 1)
            for row, (source, tokens, copies) in enumerate(rows)
            if source == name
        ]
        epoch = sum(tokens * copies for *_, tokens, copies in members)
        asked = part.get("tokens", int(part.get("epochs", 0) * 1000 + 0.5) * epoch // 1000)
        if asked and not epoch:
            return None
        for _ in range(asked // epoch if epoch else 0):
            asked -= epoch
            for _, row, _, copies in members:
                times[row] += copies
        for _, row, tokens, copies in sorted(members, reverse=True):
            for _ in range(copies if tokens else 0):
                if asked > 0:
                    asked -= tokens
                    times[row] += 1
    return times


@settings(max_examples=150, deadline=None)
@given(rows=ROWS, parts=PARTS, has_copies=st.booleans(), places=st.lists(st.integers(0, 60), max_size=3))
def test_every_part_is_within_one_document_of_its_budget(rows, parts, has_copies, places):
    expected = plainly(rows, parts, has_copies=has_copies)
    fields = {"parts": parts, "copies": "copies" if has_copies else None}
    with TemporaryDirectory() as folder:
        if expected is None:
            with pytest.raises(OperatorError, match="expected documents with num_tokens"):
                mixed(Path(folder), pool(rows), places=tuple(places), **fields)
            return
        found, times = mixed(Path(folder), pool(rows), places=tuple(places), **fields)
    sized = [row for row, (_, tokens, _) in enumerate(rows) if tokens]
    assert [times[row] for row in sized] == [expected[row] for row in sized]
    for name, part in found.items():
        mine = [(tokens or 0, times[row]) for row, (source, tokens, _) in enumerate(rows) if source == name]
        assert part["obtained_tokens"] == sum(tokens * time for tokens, time in mine)
        largest = max([tokens for tokens, time in mine if time], default=0)
        assert 0 <= part["obtained_tokens"] - part["asked_tokens"] < max(1, largest)


def test_weights_follow_the_budget(tmp_path):
    rows = [("web", 10, 1)] * 1000 + [("book", 10, 1)] * 10
    found, times = mixed(tmp_path, pool(rows), parts={"web": {"weight": 3}}, others={"weight": 1}, budget=8000)
    assert (found["web"]["asked_tokens"], found["book"]["asked_tokens"]) == (6000, 2000)
    assert (sum(times[:1000]), times[1000:]) == (600, [20] * 10)
    assert "| book | 10 | 100 | 2,000 | 2,000 | 0 | 20.000 | 0.2500 |" in (tmp_path / "report.md").read_text()


def test_another_seed_draws_others(tmp_path):
    chosen = []
    for seed in (1, 2):
        (tmp_path / str(seed)).mkdir()
        _, times = mixed(tmp_path / str(seed), pool([("web", 1, 1)] * 100), parts={"web": {"epochs": 0.5}}, seed=seed)
        chosen.append(times)
    assert sum(chosen[0]) == sum(chosen[1]) == 50
    assert chosen[0] != chosen[1]


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"parts": {"web": {"epochs": 1}}}, r"found \['book'\] too; name them, or set others"),
        ({"parts": {"wiki": {"tokens": 1}}, "others": {"epochs": 1}}, "part 'wiki': expected documents"),
        ({"parts": {"web": {"tokens": 9}}, "others": {"weight": 1}, "budget": 8}, "raise it, or lower theirs"),
        ({"others": {"tokens": 1 << 40}}, "no document more often than"),
    ],
)
def test_what_cannot_be_had_is_refused(tmp_path, fields, told):
    with pytest.raises(OperatorError, match=told):
        mixed(tmp_path, pool([("web", 5, 1), ("book", 5, 1)]), **fields)


@pytest.mark.parametrize(("tokens", "copies"), [(-1, 1), (1, -1)])
def test_negative_numbers_are_refused(tmp_path, tokens, copies):
    with pytest.raises(OperatorError, match="not to be negative; found -1"):
        mixed(tmp_path, pool([("web", tokens, copies)]), others={"epochs": 1}, copies="copies")


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"others": {"weight": 1}},
        {"others": {"epochs": 1}, "budget": 5},
        {"others": {"epochs": 1}, "temperature": 2},
        {"others": {"weight": 1}, "budget": 5, "temperature": 0},
    ],
)
def test_settings_that_say_too_little_or_too_much_are_refused(fields):
    with pytest.raises(ValidationError):
        MixBudgets(**fields)
