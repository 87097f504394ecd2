"""What the released parser does with single lines; whole programs are compared in `test_executor`."""

import pytest

from operators.prox.programs import LINE_LIMIT, Replacement
from operators.prox.published_programs import parse_published


@pytest.mark.parametrize(
    ("line", "intervals", "num_errors"),
    [
        ("remove_lines(start=3, end=5)", [(3, 5)], 0),
        ("remove_lines(any=3, name=5, more=7)", [(3, 5)], 0),
        ("remove_lines(3, 5)", [], 1),
        ("remove_lines(start=3)", [], 1),
        ("remove_lines", [], 1),
        ("remove_lines(start=4, end=55", [(4, 5)], 1),
        ("remove_lines(start=4, end", [], 2),
        ("remove_lines(start=5, end=-3)", [(5, -3)], 0),
        ("remove_lines_please(start=0, end=1)", [(0, 1)], 0),
        (" keep_chunk()\n remove_lines(start=0, end=1)", [], 0),
        ("remove_lines(start=0, end=99999999999999999999)", [(0, LINE_LIMIT)], 0),
        ("remove_lines(start=0, end=" + "9" * 5000 + ")", [(0, LINE_LIMIT)], 0),
    ],
)
def test_removals(line, intervals, num_errors):
    program = parse_published(line)
    assert program.intervals == tuple(intervals)
    assert program.num_errors == num_errors


@pytest.mark.parametrize(
    ("line", "pairs", "num_errors"),
    [
        ('normalize(source_str="a b", target_str="c")', [("a b", "c")], 0),
        ('normalize(source_str="a, b", target_str="c")', [], 0),
        ('normalize(source_str="x?id=7", target_str="")', [("x?id", "")], 0),
        ('normalize(source_str="(c)", target_str="")', [("(c", "")], 0),
        ('normalize(source_str="abc', [("ab", "")], 1),
        ('normalize(source_str="", target_str="x")', [], 0),
        ('normalize(source_str=" ", target_str="x")', [], 0),
        ('normalize(source_str=" ")', [(" ", "")], 0),
        ("normalize(source_str='a')", [("'a'", "")], 0),
        ("normalize(a, b)", [], 1),
    ],
)
def test_replacements(line, pairs, num_errors):
    program = parse_published(line)
    assert program.replacements == tuple(Replacement(*pair) for pair in pairs)
    assert program.num_errors == num_errors


def test_all_lines_at_once():
    program = parse_published("remove_lines(all=True)")
    assert program.removes_all
    assert not program.is_empty
