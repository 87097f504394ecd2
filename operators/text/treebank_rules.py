"""The tables of the `treebank` words: what each character is to the rules, and the chunks that are split as listed.

The rules are those of spaCy's blank English tokenizer, read from treebank_rules.json, whose source and licence
treebank_rules.md names. Words are compared by the hash of `whitespace_words`. Letters are: C slots for special cases,
U slots for units, both powers of two.
"""

import json
from functools import lru_cache
from importlib.resources import files
from typing import Final, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from operators.text.characters import NUM_LETTER_POINTS, character_classes, letter_points
from operators.text.whitespace_words import Hashes, word_hashes
from pipeline.kernel import inline_kernel

Flags = npt.NDArray[np.uint32]  # (0x110000,) the class bits of `character_classes`, and those below

RULES_FILE: Final = "treebank_rules.json"

PREFIX: Final = 1 << 8
"""Is a word of its own where a chunk begins with it."""
SUFFIX: Final = 1 << 9
"""Is a word of its own where a chunk ends in it."""
INFIX: Final = 1 << 10
"""Is a word of its own wherever it stands: symbols and the ellipsis."""
AFTER_DIGIT: Final = 1 << 11
"""Is a word of its own where a chunk ends in a digit and it."""
BEFORE_PERIOD: Final = 1 << 12
"""A full stop behind it that ends a chunk is a word of its own."""
LETTER: Final = 1 << 13
LOWER: Final = 1 << 14
UPPER: Final = 1 << 15
"""LETTER, LOWER and UPPER are spaCy's lists: letters of scripts without case are both LOWER and UPPER."""
QUOTE: Final = 1 << 16
DIGIT: Final = 1 << 17
"""One of 0 to 9."""
ENDING: Final = 1 << 18
"""Ends a unit or a currency of more than one character, or the genitive."""
HOST: Final = 1 << 19
"""May stand anywhere in a label of a host name."""
SCHEME: Final = 1 << 20
"""May stand in the scheme of a URL."""
INNER: Final = 1 << 21
"""May be parted from its neighbours within a chunk, or with them from the others."""
PUNCTUATION: Final = 1 << 22
"""Of one of Unicode's categories of punctuation."""
SENTENCE_END: Final = 1 << 23
"""Ends a sentence where it is a word of its own."""

INNER_CHARACTERS: Final = "$.+-*^,~:<>=/–—"  # noqa: RUF001 -- the en dash is meant
CURRENCY_WORDS: Final = ("US$", "C$", "A$")

MAX_PARTS: Final = 3
"""Words of a special case, at most."""
MAX_CASE_BYTES: Final = 31
OTHER_BYTE: Final = 127
"""Stands in `joined_pairs` for itself and for all bytes beyond ASCII."""
MAX_JOINED: Final = 11
"""Words that are joined to a special case, at most."""

_CLASS_BITS: Final = {
    "prefix": PREFIX,
    "suffix": SUFFIX,
    "infix": INFIX | INNER,
    "after_digit": AFTER_DIGIT,
    "before_period": BEFORE_PERIOD,
    "alphabetic": LETTER,
    "lower": LOWER,
    "upper": UPPER,
    "quote": QUOTE,
    "punctuation": PUNCTUATION,
    "sentence_end": SENTENCE_END,
}
_HOST_RANGES: Final = ((0x30, 0x39), (0x41, 0x5A), (0x61, 0x7A), (0xA1, 0xFFFF))
_FILTER_BITS: Final = 16
SELDOM_SHIFT: Final = 64 - _FILTER_BITS
_SLOT_SHIFT: Final = 40


Tables = TypeVar("Tables", bound=tuple[object, ...])


class HashedTexts(NamedTuple):
    """A set of texts by their hashes, open addressing by the highest bits; 0 marks an empty slot."""

    seldom: npt.NDArray[np.uint8]  # (2**16,) whether a text of the set has these highest bits
    keys: Hashes  # (C,) or (U,)


class TreebankRules(NamedTuple):
    """What the kernels of `treebank` words read."""

    flags: Flags
    cases: HashedTexts
    parts: npt.NDArray[np.uint8]  # (C, MAX_PARTS + 1) bytes of the words that a special case is split into, 0 ends
    joined: npt.NDArray[np.uint8]  # (C, MAX_JOINED + 1) bytes of the words that are joined to the case, 0 ends
    case_sizes: npt.NDArray[np.uint32]  # (256,) bit n: a special case of n bytes begins with this byte
    joined_pairs: npt.NDArray[np.uint8]  # (128, 128) whether words that begin with these bytes are joined, 127: others
    units: HashedTexts


@inline_kernel
def slot_of(text_hash: np.uint64, texts: HashedTexts) -> np.uintp:
    """The slot of the text with this hash plus one; 0 where there is none."""
    if texts.seldom[np.uintp(text_hash >> np.uint64(SELDOM_SHIFT))] == np.uint8(0):
        return np.uintp(0)
    mask = np.uintp(texts.keys.shape[0] - 1)
    slot = np.uintp(text_hash >> np.uint64(_SLOT_SHIFT)) & mask
    while texts.keys[slot] != np.uint64(0):
        if texts.keys[slot] == text_hash:
            return slot + np.uintp(1)
        slot = (slot + np.uintp(1)) & mask
    return np.uintp(0)


def hashed_texts(texts: tuple[str, ...]) -> HashedTexts:
    """The set of these texts, at most half full."""
    num_slots = 1 << (2 * len(texts)).bit_length()
    seldom = np.zeros(1 << _FILTER_BITS, np.uint8)
    keys = np.zeros(num_slots, np.uint64)
    for text_hash in word_hashes(texts).tolist():
        seldom[text_hash >> SELDOM_SHIFT] = 1
        slot = (text_hash >> _SLOT_SHIFT) & (num_slots - 1)
        while keys[slot]:
            slot = (slot + 1) & (num_slots - 1)
        keys[slot] = text_hash
    return _frozen(HashedTexts(seldom, keys))


def character_flags(classes: dict[str, list[tuple[int, int]]], endings: str) -> Flags:
    """The flags of every code point, from the ranges of the rules' own classes and Python's Unicode data."""
    flags = character_classes().astype(np.uint32)
    for name, bits in _CLASS_BITS.items():
        for first, last in classes[name]:
            flags[first : last + 1] |= bits
    for first, last in _HOST_RANGES:
        flags[first : last + 1] |= HOST
    flags[ord("0") : ord("9") + 1] |= DIGIT
    for bit, members in ((ENDING, endings), (INNER, INNER_CHARACTERS), (SCHEME, "_+-.")):
        flags[[ord(member) for member in members]] |= bit
    flags[:NUM_LETTER_POINTS][np.strings.isalnum(letter_points())] |= SCHEME
    return flags


def byte_table(
    cases: HashedTexts, words_of: dict[str, list[str]], max_words: int, lookup: dict[str, int]
) -> npt.NDArray[np.uint8]:
    """A row for every slot: the bytes of the words of the case that has it, and 0 behind the last."""
    table = np.zeros((len(cases.keys), max_words + 1), np.uint8)
    for case, words in words_of.items():
        table[lookup[case], : len(words)] = [len(word.encode()) for word in words]
    return table


def case_sizes(cases: tuple[str, ...]) -> npt.NDArray[np.uint32]:
    """Which sizes in bytes cases with each first byte have, as bits; most texts are told to be none by it."""
    sizes = np.zeros(256, np.uint32)
    for case in cases:
        encoded = case.encode()
        if len(encoded) > MAX_CASE_BYTES:
            raise ValueError(f"{RULES_FILE}: expected cases of at most {MAX_CASE_BYTES} bytes; found {len(encoded)}")
        sizes[encoded[0]] |= np.uint32(1 << len(encoded))
    return sizes


def joined_pairs(joined: dict[str, list[str]]) -> npt.NDArray[np.uint8]:
    """Which bytes the first two words of a joined case begin with."""
    pairs = np.zeros((OTHER_BYTE + 1, OTHER_BYTE + 1), np.uint8)
    for words in joined.values():
        if len(words) > 1:
            pairs[min(words[0].encode()[0], OTHER_BYTE), min(words[1].encode()[0], OTHER_BYTE)] = 1
    return pairs


@lru_cache(maxsize=1)
def treebank_rules() -> TreebankRules:
    """The tables of the rules. One shared value: read it only."""
    rules = json.loads((files("operators.text") / RULES_FILE).read_text())
    parts: dict[str, list[str]] = rules["cases"]
    # The three cases that would grow are no cases here: nothing but such a chunk as a whole is split into their words.
    joined = {case: words for case, words in rules["joined_cases"].items() if len(words) >= len(parts[case])}
    cases = hashed_texts(tuple(parts))
    slots = {text_hash: slot for slot, text_hash in enumerate(cases.keys.tolist())}
    lookup = dict(zip(parts, (slots[text_hash] for text_hash in word_hashes(tuple(parts)).tolist()), strict=True))
    units = (*rules["units"], *CURRENCY_WORDS)
    return _frozen(
        TreebankRules(
            flags=character_flags(rules["classes"], "sS" + "".join(unit[-1] for unit in units)),
            cases=cases,
            parts=byte_table(cases, parts, MAX_PARTS, lookup),
            joined=byte_table(cases, joined, MAX_JOINED, lookup),
            case_sizes=case_sizes(tuple(parts)),
            joined_pairs=joined_pairs(joined),
            units=hashed_texts(units),
        )
    )


@lru_cache(maxsize=1)
def no_treebank_rules() -> TreebankRules:
    """Tables of the same types that hold nothing, for kernels that get them and do not read them."""
    nothing = _frozen(HashedTexts(np.zeros(0, np.uint8), np.zeros(0, np.uint64)))
    table = np.zeros((0, 0), np.uint8)
    return _frozen(TreebankRules(np.zeros(0, np.uint32), nothing, table, table, np.zeros(0, np.uint32), table, nothing))


def _frozen(tables: Tables) -> Tables:
    """The same tables, read-only, so that kernels compile once."""
    for table in tables:
        if isinstance(table, np.ndarray):
            table.flags.writeable = False
    return tables
