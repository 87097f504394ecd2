"""Real documents for benchmarks: rows of the folders of ../shared/data/text, JSONL with id, text and lang."""

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import zstandard

from benchmarks.surroundings import ROOT

TEXTS: Final = ROOT.parent / "shared/data/text"


@dataclass(frozen=True, slots=True)
class Document:
    """One row."""

    id: str
    """Unique over all folders."""
    folder: str
    language: str
    text: str


def missing(folders: tuple[str, ...]) -> list[str]:
    """Those of the folders that are not there."""
    return [str(TEXTS / name) for name in folders if not (TEXTS / name).is_dir()]


def documents(folder: str, languages: tuple[str, ...] | None = None) -> Iterator[Document]:
    """The documents of a folder in order; `languages`: only those labelled so."""
    for path in sorted((TEXTS / folder).glob("*.jsonl.zst")):
        with path.open("rb") as stream:
            for line in io.TextIOWrapper(zstandard.ZstdDecompressor().stream_reader(stream), "utf-8", newline="\n"):
                row = json.loads(line)
                if languages is None or row["lang"] in languages:
                    yield Document(f"{folder}/{row['id']}", folder, row["lang"], row["text"])
