"""What is found and what is not, in planted lines; and that nothing else changes."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from operators.privacy.personal_data import KINDS
from operators.privacy.pii import FINEWEB, TYPED, Pii
from tests.unit.operators.privacy.planted import decoys, planted

EVERYTHING = Pii(kinds=KINDS)
LEAST = {
    "email": (0.99, 0.97), "ip_address": (0.99, 0.97), "iban": (0.99, 0.97), "card": (0.99, 0.97),
    "secret": (0.99, 0.97), "phone": (0.90, 0.80),
}  # fmt: skip
"""Precision and recall by kind."""


def edited(operator, texts):
    """Texts after the operator, and (D, K) counts."""
    batch = pa.record_batch([pa.array(texts, pa.large_string())], schema=operator.requires())
    edits = operator.open()(batch)
    edits.columns.validate(full=True)
    return edits.columns["text"].to_pylist(), edits.sizes.astype(int)


@pytest.fixture(scope="module")
def scores():
    """Kind -> (right, wrong, missed): right where exactly the value was replaced, by its kind's placeholder."""
    right, wrong, missed = (dict.fromkeys(KINDS, 0) for _ in range(3))
    examples = [example for kind in KINDS for example in planted(kind)] + decoys()
    texts, counts = edited(EVERYTHING, [example.text for example in examples])
    for example, text, found in zip(examples, texts, counts, strict=True):
        hit = example.kind is not None and text == example.before + TYPED[example.kind][0] + example.after
        for kind, num in zip(KINDS, found, strict=True):
            is_right = hit and kind == example.kind
            right[kind] += is_right
            wrong[kind] += int(num) - is_right
        if example.kind is not None:
            missed[example.kind] += not hit
    return right, wrong, missed


@pytest.mark.parametrize("kind", KINDS)
def test_precision_and_recall(scores, kind):
    right, wrong, missed = (count[kind] for count in scores)
    precision, recall = right / (right + wrong), right / (right + missed)
    print(f"{kind}: precision {precision:.4f}, recall {recall:.4f}")  # noqa: T201
    assert precision >= LEAST[kind][0]
    assert recall >= LEAST[kind][1]


PIECES = (
    "mail bob.smith@web.de now", "81.2.69.142", "DE89370400440532013000", "4111 1111 1111 1111", "(415) 555-2671",
    "AKIAQ3EXAMPLE7654321", "a", " ", "\n", ".", "-", "@", ":", "1", "é",
    "委员会", "2a00:1450::200e:1", "x@", "::", "eyJ",
)  # fmt: skip
PRINTED = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=30)
TEXTS = st.lists(st.lists(st.sampled_from(PIECES), max_size=8).map("".join) | PRINTED, max_size=6)


@settings(deadline=None, derandomize=True)
@given(TEXTS)
def test_all_that_is_not_replaced_stays(texts):
    marks = [(f"\x01{number}\x02",) for number in range(len(KINDS))]
    operator = Pii(kinds=KINDS, **dict(zip(KINDS, marks, strict=True)))
    after, counts = edited(operator, texts)
    for text, new, found in zip(texts, after, counts, strict=True):
        at = 0
        for number, kept in enumerate(_kept(new, marks)):
            place = text.find(kept, at)
            assert place >= at
            assert number or place == 0
            at = place + len(kept)
        assert text.endswith(kept)
        assert [new.count(mark) for (mark,) in marks] == [
            text.count(mark) + num for (mark,), num in zip(marks, found, strict=True)
        ]


def _kept(text, marks):
    for (mark,) in marks:
        text = text.replace(mark, "\x00\x00")
    return text.split("\x00\x00")


def test_kinds_that_are_not_wanted_stay():
    text = "bob@web.de 81.2.69.142, 415-555-2671"
    assert edited(Pii(), [text])[0] == ["[EMAIL] [IP_ADDRESS], 415-555-2671"]
    assert edited(Pii(kinds=("ip_address",)), [text])[0] == ["bob@web.de [IP_ADDRESS], 415-555-2671"]
    assert edited(Pii(kinds=("phone",)), [text])[0] == ["bob@web.de 81.2.69.142, [PHONE_NUMBER]"]


def test_every_kind_counts_for_itself():
    texts = ["a@web.de, b@web.de at 81.2.69.142", "nothing", "", "a@web.de"]
    _, counts = edited(Pii(), texts)
    assert dict(zip(KINDS, counts[0].tolist(), strict=True)) == {
        "email": 2, "ip_address": 1, "iban": 0, "card": 0, "secret": 0, "phone": 0,
    }  # fmt: skip
    assert counts[1:].sum(axis=1).tolist() == [0, 0, 1]


def test_placeholders_go_round_in_each_document():
    texts = ["a@web.de b@web.de c@web.de", "d@web.de 81.2.69.142"]
    first, second = FINEWEB["email"]
    assert edited(Pii(placeholders="fineweb"), texts)[0] == [
        f"{first} {second} {first}",
        f"{first} {FINEWEB['ip_address'][0]}",
    ]
    own = Pii(email=("<1>", "<2>"), ip_address=("",))
    assert edited(own, texts)[0] == ["<1> <2> <1>", "<1> "]
    assert edited(Pii(placeholders="fineweb"), ["AKIAQ3EXAMPLE7654321"])[0] == ["[SECRET]"]


def test_a_slice_and_a_batch_without_finds():
    batch = pa.record_batch(
        [pa.array(["a@web.de", "see b@web.de", "none"], pa.large_string())], schema=Pii().requires()
    )
    replace = Pii().open()
    assert replace(batch.slice(1)).columns["text"].to_pylist() == ["see [EMAIL]", "none"]
    last = replace(batch.slice(2))
    assert last.columns["text"].to_pylist() == ["none"]
    assert not last.edited.any()
    assert replace(batch.slice(3)).sizes.shape == (0, len(KINDS))


@pytest.mark.parametrize(
    "unit",
    ["a@", "@", "1.", "1.1.1.1 ", "9", "4111 ", "4111-", "2001:", "a@b.", "-eyJ", "eyJaaaaaaaaaa.",
     "-xoxb-", "AKIA", "DE89 ", "-----BEGIN PRIVATE KEY-----", "+49 ", "(0", "a@" + "b" * 250, "x" * 63 + "@"],
)  # fmt: skip
def test_hostile_text_takes_linear_time(unit):
    """A quadratic look at any of these would run into the time limit of a test."""
    text = unit * (3_000_000 // len(unit))
    (after,), _ = edited(EVERYTHING, [text])
    assert len(after) > 100


@pytest.mark.parametrize(
    "fields",
    [{"kinds": ()}, {"kinds": ("email", "email")}, {"kinds": ("name",)}, {"email": ()}, {"phone": ("[PHONE]",)}],
)
def test_settings_that_say_nothing_are_refused(fields):
    with pytest.raises(ValidationError):
        Pii(**fields)


def test_rules_are_the_kinds():
    assert Pii().rules() == KINDS
    assert set(TYPED) == set(KINDS)
    assert np.all([len(texts) for texts in TYPED.values()])
