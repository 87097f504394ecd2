# ruff: noqa: RUF001 -- look-alike characters are what the rules are about
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from operators.text.characters import ALPHABETIC, WHITESPACE
from operators.text.treebank_rules import treebank_rules
from operators.text.treebank_words import scan_treebank_words, treebank_words_for
from operators.text.whitespace_words import word_hashes

PIECES = ["don't", "e.g.", "U.S.", "...", ":-)", "'s", "http://a.bc/", "10km", "$", "(", ")", '"', "’", "a", "B", "1"]
texts = st.lists(
    st.one_of(
        st.sampled_from(PIECES),
        st.sampled_from(" \n\t\u00a0\u2003.,:;-+*^/=<>~—–…°²é漢\U0001f600"),
        st.text(st.characters(exclude_categories=["Cs"]), max_size=3),
    )
).map("".join)


def scan(text: str):
    data = np.frombuffer(text.encode(), np.uint8)
    words = treebank_words_for(len(data))
    num_words = scan_treebank_words(data, np.uintp(0), np.uintp(len(data)), treebank_rules(), words)
    return [array[:num_words].tolist() for array in words[:3]]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("I don't know.", "I do n't know ."),
        ("the U.S., e.g., is", "the U.S. , e.g. , is"),
        ("10km for $5.00", "10 km for $ 5.00"),
        ('a "quoted".', 'a " quoted " .'),
        ("see http://example.com/a/b.html", "see http://example.com/a/b.html"),
        ("(see http://example.com/A/b).", "( see http://example.com/A/b ) ."),
        ("a/b x--y", "a / b x -- y"),
        ("3.5% :-)", "3.5 % :-)"),
        ("it's John's", "it 's John 's"),
        ("cannot 'tis c++", "can not ' tis c++"),
        ("foo_bar() [1]", "foo_bar ( ) [ 1 ]"),
        ('"..."', '" ... "'),
        ("(pages 1-8)", "( pages 1 - 8)"),
        ("US$5 C$6 A$7 US $", "US$ 5 C$ 6 A$ 7 US $"),
        ("end.Start e.g.Start", "end . Start e.g. Start"),
        ("well-known 1-2 a,b x=y", "well - known 1 - 2 a , b x = y"),
        ("NASA. B. b.", "NASA . B. b."),
        ("", ""),
        (" \n ", ""),
    ],
)
def test_words_are_parted_as_spacy_does(text, expected):
    words = tuple(expected.split())
    hashes, num_chars, _ = scan(text)
    assert num_chars == [len(word) for word in words]
    assert hashes == word_hashes(words).tolist()


def test_whitespace_is_a_border_for_special_cases():
    # spaCy finds "=(" across the space, which keeps it from joining "(=" to one word
    assert scan("x = (=a")[1] == [1, 1, 2, 1]


@settings(deadline=None, derandomize=True, max_examples=300)
@given(texts)
def test_words_together_are_the_text_without_whitespace(text):
    hashes, num_chars, classes = scan(text)
    rest = "".join(text.split())
    words = []
    for length in num_chars:
        assert length > 0
        words.append(rest[:length])
        rest = rest[length:]
    assert rest == ""
    assert hashes == word_hashes(tuple(words)).tolist()
    assert [bool(seen & ALPHABETIC) for seen in classes] == [any(map(str.isalpha, word)) for word in words]
    assert not any(seen & WHITESPACE for seen in classes)


@settings(deadline=None, derandomize=True)
@given(texts, texts)
def test_texts_joined_by_a_line_end_have_the_words_of_both(first, second):
    joined = scan(first + "\n" + second)
    assert joined == [one + other for one, other in zip(scan(first), scan(second), strict=True)]


@pytest.mark.parametrize("unit", ["(", ")", "a.", "a.B", ".", "'", "''", ":(", "a@", "a:1", "1-", "…", "-", "$", "8)"])
def test_words_of_one_long_chunk_are_found_in_linear_time(unit):
    # a second per chunk for what is linear takes an hour where every step looks at the whole chunk
    _, num_chars, _ = scan(unit * (1_000_000 // len(unit)))
    assert sum(num_chars) == 1_000_000 // len(unit) * len(unit)
