import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from operators.quality.refinedweb_line_rules import edit_lines, line_rules

PIECES = ("\n", " ", "\u3000", "ab", "AB", "12", "3 likes", "read more...", "sign-in ", "items in cart")


def edited(texts, **limits):
    rules = {
        "max_uppercase_fraction": None,
        "max_digit_fraction": None,
        "removes_counters": False,
        "min_words": None,
        "max_phrase_line_words": None,
    }
    return edit_lines(pa.array(texts, pa.large_string()), line_rules(**(rules | limits)))[0].to_pylist()


@settings(max_examples=100, deadline=None)
@given(st.lists(st.lists(st.sampled_from(PIECES), max_size=12).map("".join), max_size=4))
def test_rules_that_remove_lines_are_those_of_the_definition(texts):
    def without(text, is_removed):
        return "\n".join(line for line in text.split("\n") if not line or not is_removed(line))

    def share(line, is_counted):
        return sum(map(is_counted, line)) / len(line)

    assert edited(texts) == texts
    assert edited(texts, max_uppercase_fraction=0.5) == [
        without(text, lambda line: share(line, str.isupper) > 0.5).strip() for text in texts
    ]
    assert edited(texts, max_digit_fraction=0.3) == [
        without(text, lambda line: share(line, str.isdigit) > 0.3).strip() for text in texts
    ]
    assert edited(texts, min_words=2) == [without(text, lambda line: len(line.split()) < 2) for text in texts]


def test_a_rule_sees_what_the_one_before_has_left():
    assert edited(["LOUD\n  12\nab"], max_digit_fraction=1.0) == ["LOUD\n  12\nab"]
    assert edited(["LOUD\n  12\nab"], max_digit_fraction=0.6) == ["LOUD\n  12\nab"]
    assert edited(["LOUD\n  12\nab"], max_uppercase_fraction=0.5, max_digit_fraction=0.6) == ["ab"]
