"""MADLAD-400's rules for sentences: drops documents of few sentences, or of too many questionable ones."""

from typing import ClassVar, Final, Literal

import numpy as np
import pyarrow as pa
from pydantic import field_validator

from operators.quality.bounds import Count, Fraction
from operators.quality.fraction import fraction
from operators.quality.madlad_counts import ABNORMAL_LENGTH, CURSED, LIST_CASE, TECHNICAL, madlad_counts
from pipeline.document import TEXT
from pipeline.operator import FloatArray
from pipeline.rule_set import Limit, MeasureFunction, RuleSet

SentenceRule = Literal["list_case", "abnormal_length", "technical", "cursed"]

_KINDS: Final[dict[SentenceRule, int]] = {
    "list_case": LIST_CASE,
    "abnormal_length": ABNORMAL_LENGTH,
    "technical": TECHNICAL,
    "cursed": CURSED,
}


class MadladSentences(RuleSet):
    """Keeps documents of five sentences or more, of which at most a fifth is questionable.

    A sentence is questionable by one of `sentence_rules`:

    - `list_case`: of 12 tokens or more, over half begin with a capital letter;
    - `abnormal_length`: under 20 or over 500 characters, which does not suit scripts such as Chinese;
    - `technical`: over a fifth of the characters are `0-9 { } + / ( ) >`;
    - `cursed`: it holds one of 32 patterns, such as `Facebook`, `ownload`, or nine single characters between spaces.

    Sentences end with a run of `. ! ?` that has whitespace behind. The share of each rule is measured too, and may be
    limited. The paper's fifth rule, another language than the document's, is not here: it needs the authors' model,
    which is not public, and other models know too little from one sentence.

    Columns:
        Reads `text` (large_string). Measures the number of sentences, and shares of them.

    Determinism:
        EXACT, for one version of Python's Unicode data.

    Raises:
        ValidationError: at construction, for a negative limit, or without sentence rules.

    Source:
        Kudugunta et al. 2023, arXiv 2309.04662, section 2.3, and the card of the data set allenai/MADLAD-400; sentences
        and tokens, which they leave open, as AI2's datamap-rs, commit f771794, `Madlad400SentenceAnnotator`; but a
        sentence has its end marks, which patterns look for, and lengths are characters, as published, there bytes.
        The variant of OLMo 3 (`configs/all_dressed`) is `sentence_rules: [list_case, cursed]`,
        `cursed_patterns: olmo3`, `keep_at_limit: false`.

    Cost:
        Linear in bytes; about 40 MB a CPU second.
    """

    name: ClassVar[str] = "madlad_sentences"

    min_sentences: Count = 5
    max_questionable_fraction: Fraction = 0.2
    max_list_case_fraction: Fraction = None
    max_abnormal_length_fraction: Fraction = None
    max_technical_fraction: Fraction = None
    max_cursed_fraction: Fraction = None
    sentence_rules: tuple[SentenceRule, ...] = ("list_case", "abnormal_length", "technical", "cursed")
    """What makes a sentence questionable."""
    cursed_patterns: Literal["published", "olmo3"] = "published"
    """OLMo 3 reads all but the last four patterns as plain text, so that seven with escapes never match."""
    keep_at_limit: bool = True
    """Whether a document of exactly the greatest share of questionable sentences is kept, as published."""

    @field_validator("sentence_rules")
    @classmethod
    def _some(cls, value: tuple[SentenceRule, ...]) -> tuple[SentenceRule, ...]:
        if not value or len(set(value)) != len(value):
            raise ValueError(f"sentence_rules: expected distinct rules of {list(_KINDS)}; found {list(value)}")
        return value

    def limits(self) -> tuple[Limit, ...]:
        """The number of sentences, the questionable ones, and those of each rule."""
        return (
            Limit("too_few_sentences", "min", self.min_sentences),
            Limit("questionable_sentences", "max", self.max_questionable_fraction, inclusive=self.keep_at_limit),
            Limit("list_case_sentences", "max", self.max_list_case_fraction),
            Limit("abnormal_length_sentences", "max", self.max_abnormal_length_fraction),
            Limit("technical_sentences", "max", self.max_technical_fraction),
            Limit("cursed_sentences", "max", self.max_cursed_fraction),
        )

    def open_measure(self) -> MeasureFunction:
        """The function that counts; it holds no state."""
        kinds = sum(_KINDS[rule] for rule in self.sentence_rules)
        with_expressions = self.cursed_patterns == "published"

        def measure(batch: pa.RecordBatch) -> FloatArray:
            counts = madlad_counts(batch.column(TEXT), kinds, with_expressions=with_expressions)
            shares = [fraction(part, counts.num_sentences) for part in counts[1:]]
            return np.column_stack([counts.num_sentences.astype(np.float64), *shares])

        return measure
