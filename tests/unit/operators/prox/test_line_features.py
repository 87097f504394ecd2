"""Single lines; whole documents are held against a plain definition in `test_interface_lines`."""

import numpy as np
import pytest

from operators.prox.line_features import (
    BREADCRUMBS,
    INTERFACE,
    LINK,
    MAX_NOTICE_BYTES,
    MENU_WORD,
    NOTICE,
    PROSE,
    REPEATABLE,
    URL,
    read_lines,
)
from operators.prox.prox_rule_programs import ProxRulePrograms, open_tables

TABLES = open_tables(ProxRulePrograms())


def features_of(text):
    data = np.frombuffer(text.encode(), np.uint8)
    room = text.count("\n") + 1
    features, hashes = np.zeros(room, np.uint16), np.zeros(room, np.uint64)
    lowered = np.empty(MAX_NOTICE_BYTES, np.uint8)
    num_lines = read_lines(data, np.uintp(0), np.uintp(len(data)), TABLES, lowered, features, hashes)
    assert num_lines == room
    return features.tolist(), hashes.tolist()


@pytest.mark.parametrize(
    ("line", "features"),
    [
        ("Sport", LINK | MENU_WORD | REPEATABLE),
        ("SHARE on Facebook", LINK | MENU_WORD | INTERFACE | REPEATABLE),
        ("Share it with all the others", LINK | REPEATABLE),
        ("and comments", LINK | MENU_WORD),
        ("word " * 10 + "more", 0),
        ("Some entry", LINK),
        ("some entry", LINK),
        ("One two three four five six seven", REPEATABLE),
        ("2020", 0),
        ("Sharepoint", LINK),
        ("Sport.", 0),
        ("© 2020 Nobody at all", NOTICE),
        ("Copyright 2020 Nobody", NOTICE | LINK),
        ("Copyright law", LINK),
        ("We use cookies.", NOTICE),
        ("https://a.example/b", URL | LINK),
        ("www.example.com", URL | LINK),
        ("https://a.example/b.", 0),
        ("wwwhatever", LINK),
        ("Home > News > Sport", BREADCRUMBS),
        ("cat a | grep b | sort", 0),
        ("You read ten words of prose, and that is enough.", PROSE),
        ("You read nine words of prose, and not enough.", 0),
        ("委" * 39 + "。", PROSE),
        ("委" * 38 + "。", 0),
        ("if (x) { return y; }", 0),
        ("  Sport", 0),
    ],
)
def test_lines(line, features):
    assert features_of(line)[0] == [features]


def test_equal_lines_have_equal_hashes_whatever_stands_around_them():
    _, (first, second, third) = features_of("All of one kind\n All of one kind\t\r\nAll of one sort")
    assert first == second != third
