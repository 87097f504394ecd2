"""ProX programs as the released code reads them, with all that this costs; numbers of the paper come from it.

Source: GAIR-NLP/ProX at b3fcbb2, `utils/chunk_utils.py`; written anew from its behaviour.
"""

from operators.prox.programs import LINE_LIMIT, MAX_DIGITS, Program, Replacement


def parse_published(program: str) -> Program:
    """The program as ProX's own executor reads it.

    A line counts if it begins with `remove_lines` or `normalize`; any other is passed over. Arguments stand between
    the first `(` and the first `)`, whatever is quoted, and are cut at commas and equals signs.
    """
    replacements: list[Replacement] = []
    intervals: list[tuple[int, int]] = []
    removes_all = False
    num_errors = 0
    for line in program.strip().split("\n"):
        is_removal = line.startswith("remove_lines")
        if not is_removal and not line.startswith("normalize"):
            continue
        if is_removal and "all=True" in line:
            removes_all = True
            continue
        arguments, is_closed = _arguments(line)
        num_errors += not is_closed
        if arguments is None:
            continue
        try:
            if is_removal:
                intervals.append(_interval(arguments))
            elif len(arguments) <= 2:
                replacements.extend(_replacements(arguments))
        except (ValueError, IndexError):
            num_errors += 1
    return Program(tuple(replacements), tuple(intervals), removes_all, num_errors)


def _arguments(line: str) -> tuple[list[str] | None, bool]:
    """What stands between the parentheses, cut at commas, and whether both are there.

    Without the closing one the line's last character is lost.
    """
    opening = line.find("(")
    if opening < 0:
        return None, False
    closing = line.find(")")
    inner = line[opening + 1 : closing]  # a closing one that is not found, at -1, takes the last character away
    return inner.split(","), closing >= 0


def _interval(arguments: list[str]) -> tuple[int, int]:
    first, last = (_line_number(argument.split("=")[1]) for argument in arguments[:2])
    return first, last


def _line_number(text: str) -> int:
    """Numbers beyond any text are one: the released code lists every line of an interval, and runs out of memory."""
    number = text.strip()
    if len(number) > MAX_DIGITS and number.isdecimal():
        return LINE_LIMIT
    return max(-LINE_LIMIT, min(int(number), LINE_LIMIT))


def _replacements(arguments: list[str]) -> list[Replacement]:
    """One, or none of nothing or of one space; with a single argument a space counts, as in the released code."""
    source, *rest = (argument.split("=")[1].strip('"') for argument in arguments)
    if rest and source in {"", " "}:
        return []
    return [Replacement(source, rest[0] if rest else "")]
