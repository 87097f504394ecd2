"""datatrove: FineWeb's chain, language ID to FineWeb's own filter, one task a file. Usage: IN OUT.

Environment: LID_MODEL (path of lid.176.ftz, which datatrove would download), WORDS (`spacy`, as datatrove comes, or
`whitespace`, with sentences by the rule `terminal`).
"""

import os
import sys
from pathlib import Path

import datatrove.pipeline.filters.c4_filters as c4
import datatrove.pipeline.filters.fineweb_quality_filter as fineweb
import datatrove.pipeline.filters.gopher_quality_filter as quality
import datatrove.pipeline.filters.gopher_repetition_filter as repetition
from datatrove.executor.local import LocalPipelineExecutor
from datatrove.pipeline.filters import (
    C4QualityFilter,
    FineWebQualityFilter,
    GopherQualityFilter,
    GopherRepetitionFilter,
    LanguageFilter,
)
from datatrove.pipeline.readers import ParquetReader
from datatrove.pipeline.writers import ParquetWriter
from datatrove.utils import lid

lid.cached_asset_path_or_download = lambda *_, **__: os.environ["LID_MODEL"]


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
    return [*sentences, " ".join(words)] if words else sentences


def main(source: Path, target: Path) -> None:
    """The chain in FineWeb's order: examples/fineweb.py without its URL filter, extraction and deduplication."""
    if os.environ["WORDS"] == "whitespace":
        for module in (quality, repetition, fineweb):
            module.split_into_words = split_at_whitespace
        c4.split_into_sentences = split_at_terminals
    LocalPipelineExecutor(
        [
            ParquetReader(str(source), glob_pattern="*.parquet"),
            LanguageFilter(languages=["en"]),
            GopherRepetitionFilter(),
            GopherQualityFilter(),
            C4QualityFilter(filter_no_terminal_punct=False),
            FineWebQualityFilter(),
            ParquetWriter(str(target), compression="zstd"),
        ],
        tasks=len(list(source.glob("*.parquet"))),
        workers=1,
        logging_dir=str(target.with_name(f"{target.name}-log")),
    ).run()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
