import numpy as np
import pytest

from operators.quality.c4_line_rules import copy_without_citations, ends_with_mark
from operators.text.characters import character_classes

MARKS = np.array([ord(mark) for mark in ".?。"], np.uint32)


@pytest.mark.parametrize(
    ("line", "left", "num_citations"),
    [
        ("a[1]b[]c", "abc", 2),
        ("a[12345678901234567890]", "a", 1),
        ("[edit][citation needed]", "", 2),
        ("[[1]]", "[]", 1),
        ("[٣a] [1 [ed] [Edit", "[٣a] [1 [ed] [Edit", 0),
        ("[", "[", 0),
    ],
)
def test_citations_are_left_out(line, left, num_citations):
    data = np.frombuffer(line.encode(), np.uint8)
    out = np.zeros(len(data) + 1, np.uint8)
    end, found = copy_without_citations(data, np.uintp(0), np.uintp(len(data)), character_classes(), out, np.uintp(1))
    assert (bytes(out[1:end]).decode(), found) == (left, num_citations)


@pytest.mark.parametrize(
    ("line", "ends"),
    [
        ("", False),
        (".", True),
        ("..", True),
        ("...", False),
        ("a...", False),
        ("。", True),
        ("...。", True),
        ("a", False),
    ],
)
def test_ends_with_a_mark_and_with_no_ellipsis(line, ends):
    data = np.frombuffer(line.encode(), np.uint8)
    assert ends_with_mark(data, np.uintp(0), np.uintp(len(data)), MARKS) is ends
