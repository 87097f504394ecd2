"""Grammars in tokens: those that the whole answer has, for every answer, or a refusal."""

from itertools import product

import pytest

from operators.models.grammar import Choice, GrammarTokens, compile_grammar
from pipeline.errors import PlanError

LETTERS = Choice(("A", "B"))
DIGITS = Choice(("1", "2", "3"))


def by_characters(text: str) -> list[int]:
    return list(map(ord, text))


def merging(*merged: str):
    """Characters, but for texts that are one token wherever they stand."""

    def encode(text: str) -> list[int]:
        ids = []
        while text:
            piece = next((one for one in merged if text.startswith(one)), text[0])
            ids.append(sum(ord(letter) << (9 * place) for place, letter in enumerate(piece)))
            text = text[len(piece) :]
        return ids

    return encode


def answers(tokens: GrammarTokens) -> list[list[int]]:
    """Every answer that the tokens allow."""
    chosen = product(*(choice.options for choice in tokens.choices))
    return [
        [
            *tokens.opening,
            *(
                token
                for option, choice in zip(options, tokens.choices, strict=True)
                for token in (*option, *choice.then)
            ),
        ]
        for options in chosen
    ]


@pytest.mark.parametrize(
    ("grammar", "texts"),
    [
        ((LETTERS,), ["A", "B"]),
        ((LETTERS, "\n", DIGITS), [f"{a}\n{b}" for a in "AB" for b in "123"]),
        (("<", LETTERS, DIGITS, ">"), [f"<{a}{b}>" for a in "AB" for b in "123"]),
        (("a", "b", LETTERS, "c", "d"), ["abAcd", "abBcd"]),
        ((Choice(("keep_doc()", "drop_doc()")),), ["keep_doc()", "drop_doc()"]),
        (("yes",), ["yes"]),
    ],
)
@pytest.mark.parametrize("encode", [by_characters, merging("_doc", "yes", "\n")])
def test_tokens_are_those_of_every_whole_answer(grammar, texts, encode):
    tokens = compile_grammar(grammar, encode, "so: ", "test")
    assert answers(tokens) == [encode("so: " + text)[4:] for text in texts]
    assert tokens.max_tokens == max(map(len, answers(tokens)))


def test_a_choice_in_tokens():
    tokens = compile_grammar(("<", LETTERS, "\n", DIGITS, ">"), by_characters, "", "test")
    assert tokens.opening == (ord("<"),)
    assert [choice.first_tokens for choice in tokens.choices] == [(65, 66), (49, 50, 51)]
    assert [choice.then for choice in tokens.choices] == [(10,), (62,)]


@pytest.mark.parametrize(
    ("grammar", "encode", "message"),
    [
        ((Choice(("keep", "kill")),), by_characters, "differ in their first token"),
        ((LETTERS,), merging(" A"), "merges with what stands before"),
        ((LETTERS, "\n", DIGITS), merging("B\n"), "to be tokens of its own"),
        ((LETTERS, "\n", DIGITS), merging("\n2"), "to be tokens of its own"),
        ((" a", LETTERS), merging("  "), "merges with what stands before"),
    ],
)
def test_what_would_have_other_tokens_in_its_place_is_refused(grammar, encode, message):
    with pytest.raises(PlanError, match=message):
        compile_grammar(grammar, encode, "so: ", "test")
