import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from operators.text.phrases import match_phrase, phrase_bytes

CHARACTERS = "ikskIKSz\u212a\u0130\u0131\u017f é"


def matched(text, phrase, *, as_regex):
    data = np.frombuffer(text.encode(), np.uint8)
    end = int(match_phrase(data, np.uintp(0), np.uintp(len(data)), phrase_bytes(phrase), as_regex=as_regex))
    return bytes(data[:end]).decode() if end else None


@given(st.text(CHARACTERS, max_size=4), st.text("iksz ", min_size=1, max_size=3))
def test_other_cases_are_those_of_python(text, phrase):
    found = re.match(re.escape(phrase), text, re.IGNORECASE)
    assert matched(text, phrase, as_regex=True) == (found and found[0])
    lower = matched(text, phrase, as_regex=False)
    begins = text[: len(phrase)]
    assert lower == (begins if begins.lower() == phrase else None)


def test_a_phrase_that_the_text_ends_in_does_not_match():
    assert matched("coo", "cookie", as_regex=False) is None


@pytest.mark.parametrize("phrase", ["Upper", "é"])
def test_phrases_are_lower_case_ascii(phrase):
    with pytest.raises(ValueError, match="expected ASCII characters without capital letters"):
        phrase_bytes(phrase)
