"""Writes ProX programs by rules: for lines of navigation, addresses, notices and repetitions. No model is needed."""

from collections.abc import Iterator
from typing import ClassVar, Final

import numpy as np
import pyarrow as pa
from pydantic import field_validator

from operators.prox.interface_lines import REASONS, Intervals, find_interface_lines
from operators.prox.interface_phrases import COPYRIGHT_SIGNS, INTERFACE_PHRASES, MENU_WORDS, NOTICES
from operators.prox.line_features import CODE_MARKS, Tables
from operators.prox.programs import PROGRAMS, PROGRAMS_TYPE
from operators.text.characters import character_classes
from operators.text.phrase_automaton import phrase_automaton
from operators.text.regex_classes import regex_classes
from pipeline.document import TEXT, TEXT_TYPE
from pipeline.operator import AnnotateFunction, Annotator

ADDED: Final = pa.schema([pa.field(PROGRAMS, PROGRAMS_TYPE)])


class ProxRulePrograms(Annotator):
    """Writes programs that remove the lines of a page's interface from its text. `prox_execute` carries them out.

    A line that goes is an address; breadcrumbs or a menu in one line (`Home > News > Sport`); a short line with a
    phrase of interfaces (`Share on ...`, `Sign in`); a notice of copyright or cookies; an entry of a menu, which is a
    run of short lines without end marks, some of which are words of menus; or a repetition of a line that stands there
    three times or more. Menus need less evidence before the first line of prose and behind the last; the two lines
    before the first stay, as a title may be among them. Nothing goes from a text without prose, out of fenced or
    indented code, or that looks like code. Lines repeated over many documents are for `line_deduplication`.

    Columns:
        text: read.
        prox_programs: added; as `prox_execute` reads it, one chunk for the whole document, a call for each run of lines
            with the reason as its comment. Null where nothing is to go.

    Determinism:
        EXACT, for one version of Python's Unicode data.

    Raises:
        ValidationError: at construction, for an empty phrase or one with a capital letter.

    Source:
        Rules of our own for the three kinds of noise that Zhou et al. 2024, arXiv 2409.17115, figures 10 to 12, ask
        their model to remove: navigation, addresses, footers. Measured in benchmarks/results/prox_rules.md.

    Cost:
        Linear in bytes; 11 bytes of scratch a line of the document that has most, and the table of its repeated lines.
    """

    name: ClassVar[str] = "prox_rule_programs"

    interface_phrases: tuple[str, ...] = INTERFACE_PHRASES
    """A short line that holds one goes."""
    menu_words: tuple[str, ...] = MENU_WORDS
    """Lines that are evidence for a menu, if they are such a word and nothing else."""
    notices: tuple[str, ...] = NOTICES
    """A line that holds one goes, as does a copyright with its year."""

    @field_validator("interface_phrases", "menu_words", "notices")
    @classmethod
    def _small_letters(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for phrase in value:
            if not phrase.strip() or any("A" <= letter <= "Z" for letter in phrase):
                raise ValueError(f"phrase: expected one without capital letters, not blank; found {phrase!r}")
        return value

    def requires(self) -> pa.Schema:
        """The text."""
        return pa.schema([pa.field(TEXT, TEXT_TYPE, nullable=False)])

    def adds(self) -> pa.Schema:
        """The programs."""
        return ADDED

    def open(self) -> AnnotateFunction:
        """Makes the tables of characters and phrases."""
        tables = open_tables(self)

        def annotate(batch: pa.RecordBatch) -> pa.RecordBatch:
            intervals = find_interface_lines(batch.column(TEXT), tables)
            return pa.RecordBatch.from_arrays([_column(intervals)], schema=ADDED)

        return annotate


def open_tables(operator: ProxRulePrograms) -> Tables:
    """What the kernels know about characters, and about the operator's phrases."""
    is_code_mark = np.zeros(256, np.bool_)
    is_code_mark[CODE_MARKS] = True
    phrases = (operator.interface_phrases, operator.menu_words, operator.notices, COPYRIGHT_SIGNS)
    return Tables(character_classes(), regex_classes(), is_code_mark, *map(phrase_automaton, phrases))


def _column(intervals: Intervals) -> pa.Array:
    counts = np.diff(intervals.num_before)
    has_program = counts > 0
    programs = list(_programs(intervals, has_program.nonzero()[0].tolist()))
    entries = pa.StructArray.from_arrays(
        [
            pa.array(np.zeros(len(programs), np.uint32)),
            pa.array((intervals.num_lines[has_program] - 1).astype(np.uint32)),
            pa.array(programs, pa.large_string()),
            pa.array(np.zeros(len(programs), np.bool_)),
        ],
        fields=list(PROGRAMS_TYPE.value_type),
    )
    offsets = np.concatenate([np.zeros(1, np.int32), np.cumsum(has_program, dtype=np.int32)])
    return pa.ListArray.from_arrays(pa.array(offsets), entries, type=PROGRAMS_TYPE, mask=pa.array(~has_program))


def _programs(intervals: Intervals, documents: list[int]) -> Iterator[str]:
    bounds = intervals.num_before.tolist()
    total = bounds[-1]
    calls = [
        f"remove_lines(start={first}, end={last})  # {REASONS[reason - 1]}"
        for first, last, reason in zip(
            intervals.first_lines[:total].tolist(),
            intervals.last_lines[:total].tolist(),
            intervals.reasons[:total].tolist(),
            strict=True,
        )
    ]
    for document in documents:
        yield "\n".join(calls[bounds[document] : bounds[document + 1]])
