import itertools

import numpy as np
import pytest

from operators.text.treebank_chunks import split_chunk
from operators.text.treebank_rules import treebank_rules


def split(text: str) -> list[str]:
    data = np.frombuffer(text.encode(), np.uint8)
    ends = np.empty(len(data) + 1, np.uint32)
    joins = np.empty(len(data) + 1, np.uint16)
    num_words = split_chunk(data, np.uintp(0), np.uintp(len(data)), treebank_rules(), ends, joins)
    bounds = [0, *ends[:num_words].tolist()]
    return [text.encode()[a:b].decode() for a, b in itertools.pairwise(bounds)]


@pytest.mark.parametrize(
    ("chunk", "expected"),
    [
        # special cases: alone, behind a prefix, before a suffix, inside both
        ("can't", "ca n't"), ("(can't", "( ca n't"), ("can't)", "ca n't )"), ('"can\'t."', '" ca n\'t . "'),
        # affixes, turn by turn from both sides
        ("((a))", "( ( a ) )"), ('("a.")', '( " a. " )'), ("**a**:", "* * a * * :"), ("'a'", "' a '"),
        # what is one affix alone is one word
        (")", ")"), ("...", "..."), ("()", "( )"), ("(", "("), ("US$", "US$"),
        # infixes: none at the very beginning, all the others; a URL stays whole
        ("-a-b", "-a - b"), ("a-b-c", "a - b - c"), ("…-a", "… -a"), ("a.B.C", "a. B.C"), ("ab.B.C", "ab . B.C"),
        ("/a/b", "/a / b"),
        ("x/y@example.com", "x/y@example.com"), ("(x/example.com)", "( x / example.com )"),
        # words in a row that are a special case: the longest, then the first
        ("a:)", "a :)"), ("f(x:)", "f(x :)"), ("1-8)", "1 - 8)"), ("a''", "a ''"), ("a'''", "a '' '"),
        ("x:(((", "x :((("),
        ("x/y.", "x / y."), ("a/and/or/b", "a / and/or / b"), ("20°C.", "20 ° C ."), ("°C.", "° C ."),
        ("x/it's/y", "x / it's / y"),
    ],
)  # fmt: skip
def test_chunks_are_split_as_spacy_does(chunk, expected):
    assert split(chunk) == expected.split()
