import pytest
from hypothesis import given
from hypothesis import strategies as st

from operators.prox.programs import LINE_LIMIT, Program, Replacement, parse_strict, without_last_line


def program(*replacements, intervals=(), num_errors=0):
    return Program(tuple(replacements), tuple(intervals), removes_all=False, num_errors=num_errors)


@pytest.mark.parametrize(
    "line",
    ["remove_lines(start=3, end=5)", "remove_lines(line_start=3, line_end=5)", "remove_lines(3,5)",
     "  remove_lines ( 3 , end = 5 ) ;  # the menu", "remove_lines(start=3, end=5) # (not) 7, 8"],
)  # fmt: skip
def test_removals_are_read_by_position_and_by_name(line):
    assert parse_strict(line) == program(intervals=[(3, 5)])


@pytest.mark.parametrize(
    ("line", "source", "target"),
    [
        ('normalize(source_str="a, b", target_str="(c)")', "a, b", "(c)"),
        ('normalize(source_str="x?id=7)", target_str="")', "x?id=7)", ""),
        (r'normalize("say \"hi\"", "say \\ \'hi\'")', 'say "hi"', "say \\ 'hi'"),
        ('normalize(source_str=\'it is "so"\', target_str="it\'s")', 'it is "so"', "it's"),
        (r'normalize("\d+\t", " ")', "\\d+\t", " "),
        ('normalize(source_str="gone")', "gone", ""),
        ('normalize("#1", "# 1")', "#1", "# 1"),
    ],
)
def test_strings_may_hold_what_separates_arguments(line, source, target):
    assert parse_strict(line) == program(Replacement(source, target))


@pytest.mark.parametrize(
    "text",
    ["", "\n \n", "keep_chunk()", "untouch_doc()", "skip_chunk()", "keep_all()", "# nothing to do", "```python\n```"],
)
def test_what_asks_for_nothing_is_no_error(text):
    assert parse_strict(text).is_empty


@pytest.mark.parametrize(
    "line",
    ["remove_lines", "remove_lines(", "remove_lines(start=4, end", "remove_lines(start=4, end=55", "remove_lines(5, 3)",
     "remove_lines(start=-2, end=0)", "remove_lines(a=1, b=2)", "remove_lines(end=1, start=0)", "remove_lines(1)",
     "remove_lines(1, 2, 3)", "remove_lines(1 2)", "remove_lines('1', '2')", "remove_lines(all=True)",
     "remove_lines(1, 2) remove_lines(3, 4)", "remove_lines(1, __import__('os'))",
     'normalize(source_str="abc', 'normalize("", "x")', 'normalize("  ", "x")', "normalize(1, 2)", 'normalize("a", 2)',
     r'normalize("a\nb", "c")', r'normalize("a", "\n")', 'normalize("a"b", "c")', "normalize()",
     "drop_doc()", "keep_chunk(1)", "print(1)", "Here is the program:", "\u0663"],
)  # fmt: skip
def test_what_cannot_be_meant_is_an_error(line):
    assert parse_strict(line) == program(num_errors=1)


def test_huge_numbers_are_numbers():
    assert parse_strict(f"remove_lines(0, {'9' * 5000})") == program(intervals=[(0, LINE_LIMIT)])


@given(st.text(alphabet="ab,()=\"'\\#\t é", min_size=1).filter(str.strip), st.text(alphabet="ab,()=\"'\\#\t"))
def test_any_string_survives_quoting(source, target):
    quoted = [text.replace("\\", "\\\\").replace('"', '\\"') for text in (source, target)]
    assert parse_strict(f'normalize(source_str="{quoted[0]}", target_str="{quoted[1]}")') == program(
        Replacement(source, target)
    )


def test_lines_are_counted_one_by_one():
    text = 'remove_lines(0, 1)\nnormalize("a", "b")\nnonsense\nremove_lines(7, 7)\nremove_lines(9'
    assert parse_strict(text) == program(Replacement("a", "b"), intervals=[(0, 1), (7, 7)], num_errors=2)


def test_the_last_line_of_a_program_that_was_cut():
    assert without_last_line("remove_lines(0, 1)\nremove_lines(9, 1") == "remove_lines(0, 1)"
    assert without_last_line("remove_lines(9, 1") == ""
