"""Which tokens a text has; what becomes of them is compared with the package in test_classifier."""

import re

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from operators.fasttext.tokens import next_token

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
