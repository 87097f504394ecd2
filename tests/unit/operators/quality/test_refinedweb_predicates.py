import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from operators.quality.refinedweb_predicates import cut_cart, cut_read_more, is_counter, may_have_cart, skip_sign_in
from operators.text.regex_classes import regex_classes

COUNTER = re.compile(
    r"^\W*\d(?:,|\.|\d)*(?:k|m|b)?\s+"
    r"(?:likes|shares|comments|retweets|reposts|quotes|bookmarks|upvotes|downvotes|downloads|views|followers)\W*$"
)
PIECES = (
    "3", "٣", ",", ".", "k", "K", "\u212a", " ", "\u00a0", "likes", "LIKES", "li\u212aes", "views", "_", "a", "(", "\r",
    "items in cart", "\u0131tems \u0130n cart", "item\u017f in cart", "read more", "...", "é", "abc", "sign-in",
    "\u017fign-in",
)  # fmt: skip
LINES = st.lists(st.sampled_from(PIECES), max_size=8).map("".join)


def bounds(line):
    data = np.frombuffer(line.encode(), np.uint8).copy()
    return data, np.uintp(0), np.uintp(len(data))


@given(LINES)
def test_predicates_are_those_of_the_regular_expressions(line):
    data, begin, end = bounds(line)
    classes = regex_classes()
    assert is_counter(data, begin, end, classes) == bool(COUNTER.search(line.lower()))
    at = skip_sign_in(data, begin, end, classes)
    assert bytes(data[at:]).decode() == re.sub(r"^sign-in\s?", "", line, flags=re.IGNORECASE)
    at = cut_read_more(data, begin, end, classes)
    assert bytes(data[:at]).decode() == re.sub(r"\s?read more...$", "", line, flags=re.IGNORECASE)
    may_have = may_have_cart(data, begin, end)
    at = cut_cart(data, begin, end, classes)
    cut = re.sub(r"\s?items in cart", "", line, flags=re.IGNORECASE)
    assert bytes(data[:at]).decode() == cut
    assert may_have or cut == line


@pytest.mark.parametrize("line", ["3 likes", "(1,234.5K views)", "7b\u00a0followers", "2 retweets!"])
def test_counters(line):
    assert is_counter(*bounds(line), regex_classes()) is True


@pytest.mark.parametrize(
    "line", ["", "likes", "3likes", "3 likes_", "_3 likes", "3 likes and more", "3 like", "3KK likes"]
)
def test_lines_that_are_no_counters(line):
    assert is_counter(*bounds(line), regex_classes()) is False
