from itertools import pairwise

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from operators.prox.interface_lines import REASONS, find_interface_lines
from operators.prox.prox_rule_programs import ProxRulePrograms, open_tables
from pipeline.document import TEXT_TYPE
from tests.interface_line_oracle import interface_lines

RULES = ProxRulePrograms()
TABLES = open_tables(RULES)
PROSE = "This is a line of prose that has words enough to be one."
LINES = st.sampled_from(
    ["", " ", "\r", PROSE, PROSE, "委员会开会讨论了成员们带来的计划这是今年的" * 2 + "。", "About", "Contact us",
     "Home", "Some other entry", "Entry of Ää", "entry", "More", "Share on Facebook", "share your code with others.",
     "42", "£ 1", "Name: value", "a = b", "Home > News > Sport", "Home | about | More", "A · B · Ç",
     "http://a.example/x?y=1", "www.a.example", "https://a b", "  Home", "\tHome", "© 2020 Nobody",
     "Copyright 1999-2001 by us", "© Nobody", "and comments", "ǆ comments", "Word " * 11 + "end",
     "This site uses cookies, OK?", "```", "~~~", "Has the following bit format", "Has the following bit format",
     "Sign in or Sign up", "Status quo ante bellum and more", "İstanbul Ǆ", "ǅ is titled", "Home:", "x" * 300,
     "x " * 300, "Weather\u2028Sports", "Home \u00a0", "_ | _ | _ | B", "B | _ | C | D"]
)  # fmt: skip
TEXTS = st.lists(LINES, max_size=25).map("\n".join)


def found_lines(texts):
    """{line: why it goes} of each text, blank lines between left out."""
    intervals = find_interface_lines(pa.array(texts, TEXT_TYPE), TABLES)
    assert intervals.num_lines.tolist() == [text.count("\n") + 1 for text in texts]
    lines = []
    for text, (begin, end) in zip(texts, pairwise(intervals.num_before.tolist()), strict=True):
        lines.append({})
        for at in range(begin, end):
            reason = REASONS[intervals.reasons[at] - 1]
            for number in range(intervals.first_lines[at], intervals.last_lines[at] + 1):
                if text.split("\n")[number].strip():
                    lines[-1][number] = reason
    return lines


@given(st.lists(TEXTS, max_size=4))
@settings(max_examples=400, deadline=None)
def test_lines_are_those_of_the_plain_definition(texts):
    assert found_lines(texts) == [interface_lines(text) for text in texts]


@given(st.lists(TEXTS, max_size=3))
@settings(deadline=None)
def test_intervals_follow_each_other_and_end_with_lines_that_go(texts):
    intervals = find_interface_lines(pa.array(texts, TEXT_TYPE), TABLES)
    for text, (begin, end) in zip(texts, pairwise(intervals.num_before.tolist()), strict=True):
        raw = text.split("\n")
        bounds = list(zip(intervals.first_lines[begin:end], intervals.last_lines[begin:end], strict=True))
        assert all(before[1] < after[0] for before, after in pairwise(bounds))
        assert all(first <= last and raw[first].strip() and raw[last].strip() for first, last in bounds)


def test_a_menu_goes_with_the_blank_lines_in_it_but_the_title_stays():
    text = f"Home\n\nNews\n\nSport\n\nWeather\n\nLogin\n\nA title\n\nBy somebody\n\n{PROSE}\n\nSport"
    intervals = find_interface_lines(pa.array([text], TEXT_TYPE), TABLES)
    assert (intervals.first_lines[0], intervals.last_lines[0]) == (0, 6)
    assert found_lines([text])[0] == {0: "menu", 2: "menu", 4: "menu", 6: "menu", 8: "interface"}


def test_nothing_goes_without_prose():
    assert found_lines(["Home\nNews\nLogin\nMore\n© 2020 Us\nhttp://a.example"]) == [{}]


def test_code_stays():
    code = "```\nLogin\nLogin\nLogin\nhttp://a.example\n```\n    Home | News | Sport\n\tLogin"
    assert found_lines([f"{PROSE}\n{code}"]) == [{}]
