"""Compares what datatrove recorded with what corpusmill's rule sets measure and decide on the same documents."""

import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.conformance.documents import MARKUP
from operators.quality.c4_lines import C4Lines
from operators.quality.c4_quality import C4Quality
from operators.quality.fineweb_quality import FineWebQuality
from operators.quality.gopher_quality import GopherQuality
from operators.quality.gopher_repetition import GopherRepetition
from pipeline.execution.row_pass import RowPass, open_alone, open_chain
from pipeline.ledger import LedgerBuilder
from pipeline.operator import RowOperator
from pipeline.rule_set import RuleSet
from pipeline.rule_values import RuleValues

Record = dict[str, Any]  # Any: JSON
BATCH_ROWS: Final = 1024


def chains(words: str) -> dict[str, tuple[RowOperator, ...]]:
    """Corpusmill's operators for each thing that was recorded. `words`: spacy or whitespace."""
    unit, sentences = ("treebank", "spacy") if words == "spacy" else ("whitespace", "terminal")
    repetition = GopherRepetition(word_unit=unit)
    quality = GopherQuality(word_unit=unit)
    c4 = C4Quality(sentence_unit=sentences, allow_other_unit=True)
    fineweb = FineWebQuality(word_unit=unit, allow_other_unit=True)
    lines = C4Lines(require_terminal_punctuation=False)
    return {
        "gopher_repetition": (repetition,),
        "gopher_quality": (quality,),
        "c4": (C4Lines(), c4),
        "c4_fineweb": (lines, c4),
        "fineweb": (fineweb,),
        "chain": (repetition, quality, lines, c4, fineweb),
    }


@dataclass(slots=True)
class Agreement:
    """One recorded thing, over the documents of some folders."""

    kept: int = 0
    """Documents that datatrove keeps,"""
    kept_too: int = 0
    """of which corpusmill keeps so many,"""
    same_text: int = 0
    """of which the final text is equal in so many."""
    dropped: int = 0
    """Documents that datatrove drops,"""
    dropped_too: int = 0
    """of which corpusmill drops so many."""
    differing: list[tuple[str, str | None, str | None]] = field(default_factory=list)
    """(document, datatrove's reason, corpusmill's), None for kept."""
    other_texts: list[str] = field(default_factory=list)

    @property
    def share(self) -> float:
        """Of documents with the same decision."""
        return (self.kept_too + self.dropped_too) / max(self.kept + self.dropped, 1)


def compare(documents: Path, records: Path, words: str) -> dict[str, dict[str, Agreement]]:
    """For each recorded thing, the agreement on prose, on markup, and on all."""
    recorded = {record["id"]: record for record in _records(records)}
    found: dict[str, dict[str, Agreement]] = {}
    for name, operators in chains(words).items():
        groups = found[name] = {group: Agreement() for group in ("prose", "markup", "all")}
        for document, reason, text in decisions(documents, operators):
            record = recorded.get(document)
            if record is None:
                continue
            group = "markup" if document.split("/", 1)[0] in MARKUP else "prose"
            theirs = record[name]
            for agreement in (groups[group], groups["all"]):
                _count(agreement, document, theirs["reason"], reason)
                if theirs["reason"] is None and reason is None:
                    same = theirs.get("text") is None or theirs["text"] == text
                    agreement.same_text += same
                    if not same:
                        agreement.other_texts.append(document)
    return found


def _count(agreement: Agreement, document: str, theirs: str | None, ours: str | None) -> None:
    if theirs is None:
        agreement.kept += 1
        agreement.kept_too += ours is None
    else:
        agreement.dropped += 1
        agreement.dropped_too += ours is not None
    if (theirs is None) != (ours is None):
        agreement.differing.append((document, theirs, ours))


def decisions(documents: Path, operators: Sequence[RowOperator]) -> Iterator[tuple[str, str | None, str | None]]:
    """(document, `operator/rule` that drops it or None, the text that is left or None) for all documents, in order."""
    chain = open_chain(operators)
    for batch in _batches(documents):
        ledger = LedgerBuilder()
        rows = np.arange(batch.num_rows, dtype=np.uint32)
        texts: dict[int, str] = {}
        for piece, left in RowPass(chain, ledger, 0).through([(batch, rows)]):
            texts |= zip(left.tolist(), piece["text"].to_pylist(), strict=True)
        dropped = {
            row["row"]: f"{row['operator']}/{row['rule']}"
            for row in ledger.table().to_pylist()
            if row["action"] != "edit"
        }
        for row, name in enumerate(batch["id"].to_pylist()):
            yield name, dropped.get(row), texts.get(row)


STATISTICS: Final[Mapping[str, tuple[RuleSet, Mapping[str, str]]]] = {
    "gopher_quality": (
        GopherQuality(),
        {
            "content_words": "too_few_words",
            "mean_word_chars": "words_too_short",
            "hashes": "too_many_hashes",
            "ellipses": "too_many_ellipses",
            "bullet_lines": "too_many_bullet_lines",
            "ellipsis_lines": "too_many_ellipsis_lines",
            "alphabetic_words": "too_few_alphabetic_words",
            "stop_words": "too_few_stop_words",
        },
    ),
    "gopher_repetition": (
        GopherRepetition(),
        {
            "duplicate_lines": "duplicate_lines",
            "duplicate_paragraphs": "duplicate_paragraphs",
            "duplicate_line_chars": "duplicate_line_chars",
            "duplicate_paragraph_chars": "duplicate_paragraph_chars",
            **{f"top_{n}": f"top_{n}_word_ngram" for n in (2, 3, 4)},
            **{f"duplicate_{n}": f"duplicate_{n}_word_ngrams" for n in range(5, 11)},
        },
    ),
    "fineweb": (
        FineWebQuality(word_unit="whitespace", allow_other_unit=True),
        {
            "punctuated_lines": "too_few_terminal_lines",
            "short_lines": "too_many_short_lines",
            "duplicate_line_chars": "duplicate_line_chars",
            "newlines": "too_many_newlines",
        },
    ),
}
"""Rule sets with whitespace words, and their rules by the name of what was recorded."""


def compare_statistics(documents: Path, records: Path) -> dict[str, Counter[str]]:
    """For each rule set, in how many documents each statistic was measured by both, and differs (`NAME differs`)."""
    recorded = {record["id"]: record["measured"] for record in _records(records)}
    return {name: _differing(documents, recorded, name) for name in STATISTICS}


def _differing(documents: Path, recorded: Mapping[str, Record], name: str) -> Counter[str]:
    rules, names = STATISTICS[name]
    measure = open_alone(RuleValues(rule_set=rules))
    names_of_rules = rules.rules()
    counted: Counter[str] = Counter()
    for batch in _batches(documents):
        values = measure(batch)
        for row, document in enumerate(batch["id"].to_pylist()):
            theirs = (recorded.get(document) or {}).get(name)
            for statistic, rule in names.items() if theirs else ():
                if theirs.get(statistic) is None:
                    continue
                counted[statistic] += 1
                ours = values.column(names_of_rules.index(rule))[row].as_py()
                if not math.isclose(ours, theirs[statistic], rel_tol=1e-12, abs_tol=1e-12):
                    counted[f"{statistic} differs"] += 1
    return counted


def _batches(documents: Path) -> Iterator[pa.RecordBatch]:
    for batch in pq.ParquetFile(documents).iter_batches(BATCH_ROWS):
        yield pa.record_batch({"id": batch["id"], "text": batch["text"].cast(pa.large_string())})


def _records(path: Path) -> Iterator[Record]:
    with path.open() as lines:
        for line in lines:
            yield json.loads(line)
