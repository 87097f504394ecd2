"""Which tokens a text has; what becomes of them is compared with the package in test_classifier."""

import re

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from operators.fasttext.tokens import has_end_of_line, next_token

SEPARATORS = "\0\t\n\v\f\r "


def tokens(text):
    data = np.frombuffer(text.encode() + b"behind", np.uint8)
    end = np.uintp(len(text.encode()))
    found, place = [], np.uintp(0)
    while True:
        begin, place = next_token(data, np.uintp(place), end)
        if begin == place:
            return found
        found.append(data[begin:place].tobytes().decode())


@settings(deadline=None, derandomize=True)
@given(st.text(st.sampled_from(SEPARATORS + "ab</s>_é中\u00a0\u2028\u3000\x1c\x1f\x7f\x85")))
def test_tokens_end_at_ascii_whitespace_and_nul_alone(text):
    assert tokens(text) == [token for token in re.split(f"[{SEPARATORS}]", text) if token]


@settings(deadline=None, derandomize=True, max_examples=300)
@given(st.text(st.sampled_from("a<</s>"), max_size=30) | st.integers(0, 30).map(lambda n: "a" * n + "</s>"), st.data())
def test_an_end_of_line_is_found_wherever_it_is(text, data):
    begin = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(begin, len(text)))
    whole = np.frombuffer(f"<{text}/s></s>".encode(), np.uint8)  # what lies around does not count
    assert has_end_of_line(whole, np.uintp(begin + 1), np.uintp(end + 1)) == ("</s>" in text[begin:end])
