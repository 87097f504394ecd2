"""What datatrove measures and decides on documents: every filter alone, and FineWeb's whole chain. Usage: IN OUT WORDS.

IN: a Parquet file with `id` and `text`. OUT: a JSON line for each document. WORDS: `spacy`, as datatrove comes, or
`whitespace`, which patches in `str.split` and the sentence rule `terminal`. Runs in datatrove's own environment.

A filter's statistics are taken from it by probes in place of its thresholds: a probe compares as a bound that nothing
breaks, and keeps the number that it was compared with. So every rule is reached, and no code of datatrove is repeated.
"""

import json
import math
import sys
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import datatrove.pipeline.filters.c4_filters as c4
import datatrove.pipeline.filters.fineweb_quality_filter as fineweb
import datatrove.pipeline.filters.gopher_quality_filter as quality
import datatrove.pipeline.filters.gopher_repetition_filter as repetition
import pyarrow.parquet as pq
from datatrove.data import Document
from datatrove.pipeline.filters import (
    C4QualityFilter,
    FineWebQualityFilter,
    GopherQualityFilter,
    GopherRepetitionFilter,
)


class Probe:
    """A bound that nothing breaks."""

    def __init__(self, name: str, found: dict[str, float]) -> None:
        self.name = name
        self.found = found

    def _keep(self, value: float) -> bool:
        self.found[self.name] = float(value)
        return False

    # `value < probe` asks the probe whether it is greater, and the other way round
    __gt__ = __lt__ = _keep

    def __ne__(self, _other: object) -> bool:
        return True

    __hash__ = None


def split_at_whitespace(text: str, _language: str) -> list[str]:
    """Words without spaCy."""
    return text.split()


def split_at_terminals(text: str, _language: str) -> list[str]:
    """Sentences without spaCy: they end with a word whose last character is a full stop, `!` or `?`."""
    sentences, words = [], []
    for word in text.split():
        words.append(word)
        if word[-1] in ".!?":
            sentences.append(" ".join(words))
            words = []
    sentences.append(" ".join(words))
    return [one for one in sentences if any(letter.isalpha() or letter.isdecimal() for letter in one)]


def measured(text: str) -> dict[str, dict[str, float] | None]:
    """The statistics of every filter; None where a filter gives up before it has measured (no words, no lines)."""
    return {name: _probed(make, text) for name, make in PROBED.items()}


def _probed(make: Callable[[dict[str, float]], object], text: str) -> dict[str, float] | None:
    found: dict[str, float] = {}
    try:
        make(found).filter(Document(text=text, id="0"))
    except ZeroDivisionError:
        return None
    return {name: None if math.isnan(value) else value for name, value in found.items()}


def _quality(found: dict[str, float]) -> GopherQualityFilter:
    # one bound is shared by hashes and ellipses: the second comparison would overwrite the first
    class Twice(Probe):
        def _keep(self, value: float) -> bool:
            name = "hashes" if "hashes" not in self.found else "ellipses"
            self.found[name] = float(value)
            return False

        __gt__ = __lt__ = _keep

    return GopherQualityFilter(
        min_doc_words=Probe("content_words", found),
        max_doc_words=Probe("content_words", found),
        min_avg_word_length=Probe("mean_word_chars", found),
        max_avg_word_length=Probe("mean_word_chars", found),
        max_symbol_word_ratio=Twice("", found),
        max_bullet_lines_ratio=Probe("bullet_lines", found),
        max_ellipsis_lines_ratio=Probe("ellipsis_lines", found),
        max_non_alpha_words_ratio=Probe("alphabetic_words", found),
        min_stop_words=Probe("stop_words", found),
    )


def _repetition(found: dict[str, float]) -> GopherRepetitionFilter:
    return GopherRepetitionFilter(
        dup_line_frac=Probe("duplicate_lines", found),
        dup_para_frac=Probe("duplicate_paragraphs", found),
        dup_line_char_frac=Probe("duplicate_line_chars", found),
        dup_para_char_frac=Probe("duplicate_paragraph_chars", found),
        top_n_grams=tuple((n, Probe(f"top_{n}", found)) for n in (2, 3, 4)),
        dup_n_grams=tuple((n, Probe(f"duplicate_{n}", found)) for n in range(5, 11)),
    )


def _fineweb(found: dict[str, float]) -> FineWebQualityFilter:
    return FineWebQualityFilter(
        line_punct_thr=Probe("punctuated_lines", found),
        short_line_thr=Probe("short_lines", found),
        char_duplicates_ratio=Probe("duplicate_line_chars", found),
        new_line_ratio=Probe("newlines", found),
    )


PROBED = {"gopher_quality": _quality, "gopher_repetition": _repetition, "fineweb": _fineweb}


def decided(filters: list[object], text: str) -> tuple[str | None, str]:
    """Why the filters drop the text, None if they don't, and the text as they leave it."""
    document = Document(text=text, id="0")
    for one in filters:
        try:
            result = one.filter(document)
        except ZeroDivisionError:  # datatrove's filters fail on texts without words; its executor would end the task
            return f"{type(one).__name__}: ZeroDivisionError", document.text
        if result is not True:
            return f"{type(one).__name__}: {result[1]}", document.text
    return None, document.text


CHAIN = (
    GopherRepetitionFilter(),
    GopherQualityFilter(),
    C4QualityFilter(filter_no_terminal_punct=False),
    FineWebQualityFilter(),
)
ALONE = {
    "gopher_repetition": [CHAIN[0]],
    "gopher_quality": [CHAIN[1]],
    "c4": [C4QualityFilter()],
    "c4_fineweb": [CHAIN[2]],
    "fineweb": [CHAIN[3]],
    "chain": list(CHAIN),
}


def main(source: Path, target: Path, words: str) -> None:
    """Records every document. The same text is split once for all filters, which changes nothing but the time."""
    split_words = split_at_whitespace if words == "whitespace" else quality.split_into_words
    split_sentences = split_at_terminals if words == "whitespace" else c4.split_into_sentences
    remembered = lru_cache(maxsize=4)(split_words)
    for module in (quality, repetition, fineweb):
        module.split_into_words = remembered
    c4.split_into_sentences = lru_cache(maxsize=4096)(split_sentences)
    with target.open("w") as out:
        for batch in pq.ParquetFile(source).iter_batches(500):
            for row in batch.to_pylist():
                record = {"id": row["id"], "measured": measured(row["text"]) if words == "whitespace" else {}}
                for name, filters in ALONE.items():
                    reason, text = decided(filters, row["text"])
                    record[name] = {"reason": reason}
                    if reason is None and text != row["text"]:
                        record[name]["text"] = text
                out.write(json.dumps(record, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
