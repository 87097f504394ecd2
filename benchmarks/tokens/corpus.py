"""The documents that all tools tokenize: real ones of every kind, in a drawn order, as Parquet, for a peer as JSONL."""

import json
import random
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.real_text import Document, documents

FOLDERS: Final = (
    "code_repos",
    "cppdocs_ko",
    "lctt_linuxcn",
    "msdocs_en",
    "opentelemetry_docs",
    "peps",
    "php_docs",
    "powershell_docs",
    "tldr_pages",
    "wikitext2",
)
FILES: Final = 8
QUARTER: Final = "000[01].parquet"
"""Two of the files."""
FOLD: Final = 4
"""How many times the documents peak memory is measured with."""
SAMPLE: Final = 8
"""The slow tools see every eighth document: one of the files."""
SEED: Final = 20261123
SCHEMA: Final = pa.schema([pa.field("id", pa.string()), pa.field("text", pa.string())])


@dataclass(frozen=True, slots=True)
class Corpus:
    """What was written."""

    name: str
    documents: int
    text_bytes: int
    """UTF-8 bytes of the texts, not compressed."""
    folders: dict[str, int]
    """Documents by where they come from."""


def write_corpora(root: Path, size: int | None) -> tuple[Corpus, Corpus, Corpus]:
    """All documents, or `size` of them, in `root`/all; every eighth in `root`/sample, as JSONL, too.

    And in `root`/fourfold all of them, and of each three documents more with its lines in another order: the texts are
    not enough for so many real ones.
    """
    found = [document for folder in FOLDERS for document in documents(folder)]
    random.Random(SEED).shuffle(found)  # noqa: S311 - a seeded draw, no secret
    found = found[:size]
    whole, sample = _write(root / "all", found, FILES), _write(root / "sample", found[::SAMPLE], 1)
    with (root / "sample/documents.jsonl").open("w") as stream:
        stream.writelines(json.dumps({"id": one.id, "text": one.text}) + "\n" for one in found[::SAMPLE])
    fourfold = [turned(one, quarters) for quarters in range(FOLD) for one in found]
    return whole, sample, _write(root / "fourfold", fourfold, FOLD * FILES)


def turned(document: Document, quarters: int) -> Document:
    """The document with its lines, or words where it has few lines, turned by quarters."""
    if quarters == 0:
        return document
    parts = document.text.splitlines(keepends=True)
    if len(parts) < FOLD:
        parts = [f"{word} " for word in document.text.split(" ")]
    first = len(parts) * quarters // FOLD
    return replace(document, id=f"{document.id}#{quarters}", text="".join(parts[first:] + parts[:first]))


def _write(folder: Path, found: Sequence[Document], num_files: int) -> Corpus:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for number in range(num_files):
        part = found[number::num_files]
        columns = [pa.array([one.id for one in part]), pa.array([one.text for one in part])]
        pq.write_table(pa.table(columns, SCHEMA), folder / f"{number:04d}.parquet", compression="zstd")
    folders: dict[str, int] = {}
    for one in found:
        folders[one.folder] = folders.get(one.folder, 0) + 1
    corpus = Corpus(folder.name, len(found), sum(len(one.text.encode()) for one in found), folders)
    (folder / "corpus.json").write_text(json.dumps(asdict(corpus)) + "\n")
    return corpus
