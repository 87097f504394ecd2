"""C4's rules for lines: keeps the lines of a document that end as sentences do, and cuts citations out of them."""

from typing import ClassVar, Final

import numpy as np
import pyarrow as pa
from pydantic import field_validator

from operators.quality.bounds import Count
from operators.quality.c4_line_rules import C4_LINE_RULES, LineRules, edit_lines
from operators.quality.c4_phrases import CURLY_BRACKET, JAVASCRIPT, LOREM_IPSUM, POLICY
from operators.text.characters import character_classes
from pipeline.document import TEXT, TEXT_TYPE
from pipeline.operator import Edits, Transform, TransformFunction

END_MARKS: Final = (".", "?", "!", '"', "'")
"""Raffel et al. 2019, section 2.2, with the apostrophe that datatrove adds."""


class C4Lines(Transform):
    r"""Keeps the lines that C4 keeps, stripped and joined by line feeds, and cuts citations out of them.

    A line is removed if a word in it is too long, if no end mark ends it or an ellipsis (`...`) does, if it has too
    few words, if it mentions JavaScript, or if it holds a phrase of a policy: "terms of use", "privacy policy",
    "cookie policy", "uses cookies", "use of cookies", "use cookies". The rules are tried in this order, whatever the
    case of letters. Citations are `[]`, `[1]` with any digits, `[edit]` and `[citation needed]`; they go before a
    line's end is looked at. Words are runs between whitespace. What is left of the document is stripped, and may be
    empty.

    The rules for whole documents stand in `c4_quality`, which belongs behind this operator. A line that these rules
    must see stays here although a rule for lines would remove it: one with "lorem ipsum", and one with `{` that
    mentions no JavaScript.

    Columns:
        text: read and replaced. A rule's size is how many lines it removed, for `citations` how many were cut out of
            the lines kept, for `whitespace` how many of those lost whitespace around them or another line break than
            a line feed, and one more where the text's ends did.

    Determinism:
        EXACT, for one version of Python's Unicode data.

    Raises:
        ValidationError: at construction, for a negative count or an end mark that is no single character.

    Source:
        Raffel et al. 2019, arXiv 1910.10683, section 2.2, as datatrove 0.10.1 reads it (`C4QualityFilter`; its lines,
        not its option to judge sentences instead). TensorFlow Datasets (`c4_utils.clean_page`) is `min_words: 5`,
        `end_marks: [".", "?", "!", "\""]` and `count_words_without_citations: true`. FineWeb (`examples/fineweb.py`
        of datatrove) is `require_terminal_punctuation: false`.

    Cost:
        Linear in bytes, and a copy of the text.
    """

    name: ClassVar[str] = "c4_lines"

    require_terminal_punctuation: bool = True
    """Whether a line must end with one of `end_marks`, and not with an ellipsis."""
    end_marks: tuple[str, ...] = END_MARKS
    min_words: Count = 3
    """Raffel et al. 2019: at least 3 words a line; TensorFlow Datasets: 5."""
    count_words_without_citations: bool = False
    """Whether citations are no words, as in TensorFlow Datasets; in datatrove they are."""
    max_word_chars: Count = 1000
    """TensorFlow Datasets and datatrove; not in the paper."""
    remove_citations: bool = True
    remove_javascript: bool = True
    remove_policies: bool = True
    spare_lorem_ipsum: bool = True
    """Whether lines with "lorem ipsum" stay for `c4_quality`; off where its rule is off."""
    spare_curly_brackets: bool = True
    """Whether lines with `{` stay for `c4_quality`; off where its rule is off."""

    @field_validator("end_marks")
    @classmethod
    def _single_characters(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not value or any(len(mark) != 1 or mark.isspace() for mark in value) or len(set(value)) != len(value):
            raise ValueError(f"end_marks: expected distinct single characters, no whitespace; found {list(value)}")
        return value

    def requires(self) -> pa.Schema:
        """The text."""
        return pa.schema([pa.field(TEXT, TEXT_TYPE, nullable=False)])

    def rules(self) -> tuple[str, ...]:
        """Those that remove lines, in the order in which they are tried, then those that change them."""
        return C4_LINE_RULES

    def replaces(self) -> tuple[str, ...]:
        """The text."""
        return (TEXT,)

    def open(self) -> TransformFunction:
        """Loads the classes of characters."""
        character_classes()
        rules = self._line_rules()
        return lambda batch: _edits(batch, rules)

    def _line_rules(self) -> LineRules:
        marks = self.end_marks if self.require_terminal_punctuation else ()
        return LineRules(
            max_word_chars=np.int64(-1 if self.max_word_chars is None else self.max_word_chars),
            removes_citations=self.remove_citations,
            end_marks=np.array([ord(mark) for mark in marks], np.uint32),
            min_words=np.uintp(self.min_words or 0),
            counts_words_without_citations=self.count_words_without_citations,
            removed_phrases=np.uint8(JAVASCRIPT * self.remove_javascript | POLICY * self.remove_policies),
            spared_phrases=np.uint8(LOREM_IPSUM * self.spare_lorem_ipsum | CURLY_BRACKET * self.spare_curly_brackets),
        )


def _edits(batch: pa.RecordBatch, rules: LineRules) -> Edits:
    texts, sizes = edit_lines(batch.column(TEXT), rules)
    return Edits(
        columns=pa.record_batch([texts], schema=pa.schema([batch.schema.field(TEXT)])),
        sizes=sizes,
    )
