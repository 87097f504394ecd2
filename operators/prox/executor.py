"""What a document becomes under ProX programs: replacements, then removals of lines, and whether they count.

Lines end with line feeds alone and are numbered from 0 over the whole document, so that chunks are never joined as
text. Strings hold no line feed, so replacements leave the numbers as they are.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

from operators.prox.execution_rules import ExecutionRules
from operators.prox.programs import ChunkProgram, Program, parse_strict, without_last_line
from operators.prox.published_programs import parse_published

MAX_GROWTH: Final = 2
"""Replacements may not make a document longer than so many times itself: twenty of one letter by ten would make 10^20
of it. The released code has no such limit. A refused replacement is an error."""

PARSERS: Final[dict[str, Callable[[str], Program]]] = {"strict": parse_strict, "published": parse_published}
DROP_DOC: Final = "drop_doc()"


@dataclass(frozen=True, slots=True)
class Execution:
    """What programs made of a document."""

    text: str
    num_removed_lines: int
    num_replaced: int
    """Places where `normalize` replaced something."""
    num_errors: int
    """Of all programs, void ones too."""
    num_void: int
    """Programs whose edits do not count; with verdicts on documents, 1 where none does."""
    num_words: int
    num_left: int
    """Words after the edits that count."""
    num_judged: int
    """Words by which a document is too short: with verdicts on documents those after void edits too, as published."""
    is_emptied: bool
    """Whether so small a share of the words is left that the document is to go."""


@dataclass(slots=True)
class _Draft:
    """A document while its programs are executed."""

    lines: list[str]
    removed: set[int]
    num_chars: int
    max_chars: int
    num_replaced: int = 0

    def words(self, first: int, last: int) -> int:
        """Words of the lines that stay, from `first` to `last`."""
        numbered = enumerate(self.lines[first : last + 1], first)
        return sum(len(line.split()) for number, line in numbered if number not in self.removed)


class _Unit(NamedTuple):
    """Programs that are judged together, and the first and the last line of what they are judged on."""

    programs: list[tuple[ChunkProgram, Program]]
    first: int
    last: int


def drops_document(program: str | None, rules: ExecutionRules) -> bool:
    """Whether a document program asks to drop the document."""
    if program is None:
        return False
    if rules.doc_verdict == "substring":
        return "drop" in program.replace(" ", "")
    return program.strip() == DROP_DOC


def execute(text: str, chunks: Sequence[ChunkProgram], rules: ExecutionRules) -> Execution:
    """The document after its programs.

    Raises:
        ValueError: a chunk shows lines that the text does not have, so it is another text.
    """
    draft = _Draft(text.split("\n"), set(), len(text), MAX_GROWTH * len(text))
    num_lines = len(draft.lines)
    last_line = max((chunk.last_line for chunk in chunks), default=-1)
    if last_line >= num_lines:
        raise ValueError(
            f"prox programs: expected a text with a line {last_line}; found {num_lines} lines; "
            "execute them before any operator that changes the text"
        )
    num_errors = num_void = 0
    num_words = num_left = num_judged = len(text.split())
    for unit in _units(chunks, num_lines, rules):
        num_words_before = draft.words(unit.first, unit.last)
        errors, num_words_after, counts = _edit(draft, unit, num_words_before, rules)
        num_errors += errors
        num_void += not counts
        num_left -= (num_words_before - num_words_after) * counts
        num_judged = num_words_after if rules.verdict_on == "document" else num_left
    kept = [line for number, line in enumerate(draft.lines) if number not in draft.removed]
    return Execution(
        text="\n".join(kept),
        num_removed_lines=num_lines - len(kept),
        num_replaced=draft.num_replaced,
        num_errors=num_errors,
        num_void=num_void,
        num_words=num_words,
        num_left=num_left,
        num_judged=num_judged,
        is_emptied=num_words > 0 and _is_emptied(num_left / num_words, rules),
    )


def _units(chunks: Sequence[ChunkProgram], num_lines: int, rules: ExecutionRules) -> list[_Unit]:
    """Programs that ask for anything, by what they are judged on."""
    programs = [(chunk, _parse(chunk, rules)) for chunk in chunks]
    asking = [(chunk, program) for chunk, program in programs if not program.is_empty]
    if rules.verdict_on == "chunk":
        return [_Unit([pair], pair[0].first_line, pair[0].last_line) for pair in asking]
    return [_Unit(asking, 0, num_lines - 1)] if asking else []


def _is_emptied(left_fraction: float, rules: ExecutionRules) -> bool:
    """Whether so small a share of the words is left that the document goes."""
    return left_fraction <= 1 - rules.max_removed_fraction


def _parse(chunk: ChunkProgram, rules: ExecutionRules) -> Program:
    cut = chunk.is_cut and rules.last_line_of_cut == "discard"
    return PARSERS[rules.mode](without_last_line(chunk.program) if cut else chunk.program)


def _counts(num_errors: int, num_words: int, num_left: int, rules: ExecutionRules) -> bool:
    """Whether edits count that made so many errors and leave so many words."""
    left_fraction = num_left / num_words if num_words else 1.0
    return num_errors <= rules.max_errors and (
        left_fraction >= rules.min_left_fraction or _is_emptied(left_fraction, rules)
    )


def _edit(draft: _Draft, unit: _Unit, num_words: int, rules: ExecutionRules) -> tuple[int, int, bool]:
    """Carries out programs that are judged together, if they count.

    Returns their errors, the words that they leave of `num_words`, counting or not, and whether they count.
    """
    before = replace(draft, lines=draft.lines[unit.first : unit.last + 1], removed=set())
    end = len(draft.lines) - 1
    num_errors = 0
    for chunk, program in unit.programs:
        num_errors += program.num_errors
        bounds = (chunk.first_line, chunk.last_line) if rules.normalize_in == "chunk" else (0, end)
        num_errors += _replace_all(draft, program, *bounds)
    removed: set[int] = set()
    if rules.unshown_lines == "accept":
        num_errors += _mark(removed, [program for _, program in unit.programs], 0, end)
    else:
        for chunk, program in unit.programs:
            num_errors += _mark(removed, [program], chunk.first_line, chunk.last_line)
    removed -= draft.removed
    draft.removed |= removed
    num_left = draft.words(unit.first, unit.last)
    if _counts(num_errors, num_words, num_left, rules):
        return num_errors, num_left, True
    draft.lines[unit.first : unit.last + 1] = before.lines
    draft.removed -= removed
    draft.num_chars, draft.num_replaced = before.num_chars, before.num_replaced
    return num_errors, num_left, False


def _replace_all(draft: _Draft, program: Program, first: int, last: int) -> int:
    """Carries out the replacements in the lines from `first` to `last`, in order; returns how many were refused."""
    if not program.replacements:
        return 0
    num_refused = 0
    part = "\n".join(draft.lines[first : last + 1])
    for source, target in program.replacements:
        num_places = part.count(source) if source else 0
        num_chars = draft.num_chars + num_places * (len(target) - len(source))
        if num_chars > max(draft.max_chars, draft.num_chars):
            num_refused += 1
        elif num_places:
            part = part.replace(source, target)
            draft.num_chars = num_chars
            draft.num_replaced += num_places
    draft.lines[first : last + 1] = part.split("\n")
    return num_refused


def _mark(removed: set[int], programs: list[Program], first: int, last: int) -> int:
    """Puts the lines to remove from `first` to `last` into `removed`; returns how many intervals reach beyond them."""
    if any(program.removes_all for program in programs):
        removed.update(range(first, last + 1))
    num_errors = 0
    for start, stop in _merged(interval for program in programs for interval in program.intervals):
        num_errors += start > last or stop > last or 0 < first > start
        removed.update(range(max(start, first), min(stop, last) + 1))
    return num_errors


def _merged(intervals: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """The intervals in order, those that overlap or touch as one; the released code counts errors on these."""
    together: list[tuple[int, int]] = []
    for start, stop in sorted(intervals):
        if together and start <= together[-1][1] + 1:
            together[-1] = (together[-1][0], max(together[-1][1], stop))
        else:
            together.append((start, stop))
    return together
