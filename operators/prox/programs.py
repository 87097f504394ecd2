"""ProX programs: the columns that hold them, what one says, and the parser of the strict reading.

A program is a text with one call a line. It is data: it is scanned by regular expressions that are linear in its
length, and nothing of it is ever evaluated. The parser of the released code stands in `published_programs`.
"""

import re
from dataclasses import dataclass
from typing import Final, NamedTuple

import pyarrow as pa

DOC_PROGRAM: Final = "prox_doc_program"
DOC_PROGRAM_TYPE: Final = pa.large_string()
PROGRAMS: Final = "prox_programs"
PROGRAMS_TYPE: Final = pa.list_(
    pa.struct(
        [
            pa.field("first_line", pa.uint32()),
            pa.field("last_line", pa.uint32()),
            pa.field("program", pa.large_string()),
            pa.field("is_cut", pa.bool_()),
        ]
    )
)
"""One entry a chunk, in the order of the text: the lines that the chunk showed, both included and counted from 0 in the
whole document, the program for them, and whether its writer ran into a limit of length."""

LINE_LIMIT: Final = 1 << 32
"""What greater numbers of lines are taken for: no text has so many lines."""
MAX_DIGITS: Final = 10
"""Digits of a number that are read; with more, it is at least `LINE_LIMIT`."""

NO_OPERATIONS: Final = frozenset({"keep_chunk", "keep_doc", "keep_all", "untouch_doc", "skip_chunk"})
"""What the paper, its prompts and its figures call the call that leaves a text as it is (Zhou et al. 2024, arXiv
2409.17115, table 1 and figures 10 to 12)."""
ARGUMENT_NAMES: Final = {
    "remove_lines": (("start", "line_start"), ("end", "line_end")),
    "normalize": (("source_str",), ("target_str",)),
}
"""Names of arguments by position: table 1 and the prompts differ."""

_CALL = re.compile(r"([a-z_]+)[ \t]*\(")
_NAME = re.compile(r"[ \t]*([a-z_]+)[ \t]*=")
_VALUE = re.compile(r"""[ \t]*(?:(\d+)|"((?:[^"\\]|\\.)*+)"|'((?:[^'\\]|\\.)*+)')[ \t]*""", re.ASCII)
_END = re.compile(r"[ \t]*\)[ \t]*;?[ \t]*(?:#.*)?")
_ESCAPE = re.compile(r"\\(.)")
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r"}

Argument = int | str


class ChunkProgram(NamedTuple):
    """A row of the column `prox_programs`."""

    first_line: int
    last_line: int
    program: str
    is_cut: bool = False


class Replacement(NamedTuple):
    """What `normalize` asks for."""

    source: str
    target: str


@dataclass(frozen=True, slots=True)
class Program:
    """What a program asks for, and how many of its lines could not be read."""

    replacements: tuple[Replacement, ...]
    intervals: tuple[tuple[int, int], ...]
    """First and last line of each removal, both included, as written."""
    removes_all: bool
    num_errors: int

    @property
    def is_empty(self) -> bool:
        """Whether it asks for nothing and holds no error."""
        return not (self.replacements or self.intervals or self.removes_all or self.num_errors)


def without_last_line(program: str) -> str:
    """The program without the line in which its writer was cut off."""
    return program.rpartition("\n")[0]


def parse_strict(program: str) -> Program:
    r"""The program by a grammar that strings cannot break.

    A line is a call, a comment, a code fence or blank. Arguments are strings in either kind of quotes, with `\\`, `\"`,
    `\'`, `\n`, `\r` and `\t`, or numbers of lines; by position or by one of the published names. Any other line is an
    error, and so are a removal that ends before it begins and a replacement of nothing, or with a line break in it.
    """
    replacements: list[Replacement] = []
    intervals: list[tuple[int, int]] = []
    num_errors = 0
    for raw in program.split("\n"):
        line = raw.strip()
        if not line or line.startswith(("#", "```")):
            continue
        call = _read_call(line)
        if isinstance(call, Replacement):
            replacements.append(call)
        elif isinstance(call, tuple):
            intervals.append(call)
        elif call is None:
            num_errors += 1
    return Program(tuple(replacements), tuple(intervals), removes_all=False, num_errors=num_errors)


def _read_call(line: str) -> Replacement | tuple[int, int] | str | None:
    """What a line asks for: an edit, the name of a call that asks for none, or None where it cannot be read."""
    call = _CALL.match(line)
    if call is None:
        return None
    name = call[1]
    arguments = _read_arguments(line, call.end(), ARGUMENT_NAMES.get(name, ()))
    if arguments is None:
        return None
    if name in NO_OPERATIONS:
        return name
    match arguments:
        case [int() as first, int() as last] if name == "remove_lines" and first <= last:
            return first, last
        case [str() as source, *rest] if name == "normalize":
            target = rest[0] if rest else ""
            if isinstance(target, str) and source.strip() and "\n" not in source + target:
                return Replacement(source, target)
    return None


def _read_arguments(line: str, at: int, names: tuple[tuple[str, ...], ...]) -> list[Argument] | None:
    """The values between the parentheses, in the order of `names`, if nothing but a comment stands behind them."""
    values: list[Argument] = []
    while _END.fullmatch(line, at) is None:
        if len(values) == len(names):
            return None
        if values:
            if line[at : at + 1] != ",":
                return None
            at += 1
        name = _NAME.match(line, at)
        if name is not None:
            if name[1] not in names[len(values)]:
                return None
            at = name.end()
        value = _VALUE.match(line, at)
        if value is None:
            return None
        values.append(_value_of(value))
        at = value.end()
    return values


def _value_of(value: re.Match[str]) -> Argument:
    number, double, single = value.groups()
    if number is not None:
        return int(number) if len(number) <= MAX_DIGITS else LINE_LIMIT
    text: str = double if double is not None else single
    return _ESCAPE.sub(_unescape, text) if "\\" in text else text


def _unescape(escape: re.Match[str]) -> str:
    r"""Of an escape that means nothing, such as `\d`, both characters stay, as in Python."""
    letter = escape[1]
    return letter if letter in "\\\"'" else _ESCAPED.get(letter, escape[0])
