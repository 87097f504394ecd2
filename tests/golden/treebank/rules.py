"""Writes operators/text/treebank_rules.json: spaCy's rules for English words, as facts. README.md says how to run it.

Classes of characters are found by asking spaCy's own patterns about every code point, so that the file holds what they
match and not how they are written.
"""

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path

import spacy
from spacy.lang.char_classes import ALPHA, ALPHA_LOWER, ALPHA_UPPER, CONCAT_QUOTES, LIST_UNITS
from spacy.lang.lex_attrs import is_punct
from spacy.pipeline import Sentencizer
from spacy.symbols import ORTH
from spacy.tokenizer import Tokenizer

RULES = Path(__file__).parents[3] / "operators" / "text" / "treebank_rules.json"
NEUTRAL = "\x00"
"""A character that no rule names."""

Ranges = list[tuple[int, int]]


def ranges(is_member: Callable[[str], bool]) -> Ranges:
    """First and last code points of the runs of members."""
    found: Ranges = []
    for code_point in range(0x110000):
        if 0xD800 <= code_point < 0xE000 or not is_member(chr(code_point)):
            continue
        if found and found[-1][1] == code_point - 1:
            found[-1] = (found[-1][0], code_point)
        else:
            found.append((code_point, code_point))
    return found


def character_set(members: str) -> Callable[[str], bool]:
    pattern = re.compile(f"[{members}]")
    return lambda character: pattern.match(character) is not None


def classes(tokenizer: Tokenizer) -> dict[str, Ranges]:
    """The classes of characters that the rules name."""
    prefix, suffix, infix = tokenizer.find_prefix, tokenizer.find_suffix, tokenizer.find_infix
    return {
        "prefix": ranges(lambda character: prefix(character + NEUTRAL) == 1),
        "suffix": ranges(lambda character: suffix(NEUTRAL + character) == 1),
        "infix": ranges(lambda character: len(infix(NEUTRAL + character + NEUTRAL)) == 1),
        "after_digit": ranges(lambda character: suffix("0" + character) == 1 and suffix(NEUTRAL + character) == 0),
        "before_period": ranges(lambda character: suffix(character + ".") == 1),
        "alphabetic": ranges(character_set(ALPHA)),
        "lower": ranges(character_set(ALPHA_LOWER)),
        "upper": ranges(character_set(ALPHA_UPPER)),
        "quote": ranges(character_set(CONCAT_QUOTES)),
        "punctuation": ranges(is_punct),
        "sentence_end": ranges(frozenset(Sentencizer.default_punct_chars).__contains__),
    }


def split_without_cases(tokenizer: Tokenizer, text: str) -> list[str]:
    """The words of `text` where no special case is known."""
    plain = Tokenizer(
        spacy.blank("en").vocab,
        prefix_search=tokenizer.prefix_search,
        suffix_search=tokenizer.suffix_search,
        infix_finditer=tokenizer.infix_finditer,
        url_match=tokenizer.url_match,
    )
    return [token.text for token in plain(text)]


def main() -> None:
    tokenizer = spacy.blank("en").tokenizer
    cases = {case: [part[ORTH] for part in parts] for case, parts in sorted(tokenizer.rules.items()) if case.split()}
    joined = {
        case: split_without_cases(tokenizer, case)
        for case in cases
        if tokenizer.find_prefix(case) or tokenizer.find_infix(case) or tokenizer.find_suffix(case)
    }
    rules = {
        "source": f"spaCy {spacy.__version__}, blank English tokenizer (MIT licence, see treebank_rules.md)",
        "classes": classes(tokenizer),
        "units": sorted({unit for unit in LIST_UNITS if unit}),
        "cases": cases,
        "joined_cases": joined,
    }
    lines = [f"{json.dumps(name)}: {json.dumps(value, ensure_ascii=True)}" for name, value in rules.items()]
    RULES.write_text("{\n" + ",\n".join(lines) + "\n}\n")
    sys.stdout.write(f"{len(cases)} special cases, {len(joined)} of them joined again after splitting\n")


if __name__ == "__main__":
    main()
