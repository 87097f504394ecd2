import json
from importlib.resources import files

import numpy as np

from operators.text.characters import character_classes
from operators.text.treebank_rules import (
    DIGIT,
    LOWER,
    PREFIX,
    RULES_FILE,
    SUFFIX,
    UPPER,
    hashed_texts,
    no_treebank_rules,
    slot_of,
    treebank_rules,
)
from operators.text.whitespace_words import word_hashes
from pipeline.kernel import kernel

RULES = json.loads((files("operators.text") / RULES_FILE).read_text())


@kernel
def find(text_hash, texts):
    return slot_of(text_hash, texts)


def test_every_case_is_found_and_its_parts_make_it_up():
    rules = treebank_rules()
    cases = RULES["cases"]
    for case, text_hash in zip(cases, word_hashes(tuple(cases)), strict=True):
        slot = int(find(text_hash, rules.cases)) - 1
        assert rules.cases.keys[slot] == text_hash
        assert [size for size in rules.parts[slot].tolist() if size] == [len(part.encode()) for part in cases[case]]
        assert rules.parts[slot].sum() == len(case.encode())


def test_filters_of_cases_let_every_case_pass():
    rules = treebank_rules()
    for case in RULES["cases"]:
        encoded = case.encode()
        assert int(rules.case_sizes[encoded[0]]) >> len(encoded) & 1
    for words in RULES["joined_cases"].values():
        if len(words) > 1:
            first, second = (min(word.encode()[0], 127) for word in words[:2])
            assert rules.joined_pairs[first, second] or words[0] == "°"
    assert rules.joined_pairs.mean() < 0.02


def test_cases_never_grow_when_they_are_joined():
    rules = treebank_rules()
    is_joined = rules.joined[:, 0] > 0
    assert is_joined.sum() == len(RULES["joined_cases"]) - 3
    assert ((rules.parts > 0).sum(1) <= (rules.joined > 0).sum(1))[is_joined].all()


def test_other_texts_are_not_found():
    texts = hashed_texts(("one", "two"))
    assert [int(find(text_hash, texts)) > 0 for text_hash in word_hashes(("one", "three", "two", "on"))] == [
        True,
        False,
        True,
        False,
    ]


def test_characters_have_the_roles_of_the_rules():
    flags = treebank_rules().flags
    assert [bool(flags[ord(c)] & PREFIX) for c in "(%+$a."] == [True, True, True, True, False, False]
    assert [bool(flags[ord(c)] & SUFFIX) for c in ")%+$a."] == [True, False, False, False, False, False]
    assert [bool(flags[ord(c)] & DIGIT) for c in "09²٣"] == [True, True, False, False]
    assert [(bool(flags[ord(c)] & LOWER), bool(flags[ord(c)] & UPPER)) for c in "aA漢1"] == [
        (True, False),
        (False, True),
        (True, True),
        (False, False),
    ]


def test_low_bits_are_the_classes_of_characters():
    assert np.array_equal(treebank_rules().flags & 0xFF, character_classes())


def test_empty_tables_have_the_types_of_full_ones():
    for empty, full in zip(no_treebank_rules(), treebank_rules(), strict=True):
        arrays = zip(empty, full, strict=True) if isinstance(empty, tuple) else [(empty, full)]
        for one, other in arrays:
            assert (one.dtype, one.ndim, one.flags.writeable) == (other.dtype, other.ndim, other.flags.writeable)
