"""The documents that all tools tokenize: real ones of every kind, in a drawn order, as Parquet and as plain JSONL."""

import json
import random
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
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


def write_corpora(root: Path, size: int | None) -> tuple[Corpus, Corpus]:
    """All documents, or `size` of them, in `root`/all; every eighth in `root`/sample; each as Parquet and as JSONL."""
    found = [document for folder in FOLDERS for document in documents(folder)]
    random.Random(SEED).shuffle(found)  # noqa: S311 - a seeded draw, no secret
    found = found[:size]
    return _write(root / "all", found, FILES), _write(root / "sample", found[::SAMPLE], 1)


def _write(folder: Path, found: Sequence[Document], num_files: int) -> Corpus:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for number in range(num_files):
        part = found[number::num_files]
        columns = [pa.array([one.id for one in part]), pa.array([one.text for one in part])]
        pq.write_table(pa.table(columns, SCHEMA), folder / f"{number:04d}.parquet", compression="zstd")
    with (folder / "documents.jsonl").open("w") as stream:
        stream.writelines(json.dumps({"id": one.id, "text": one.text}) + "\n" for one in found)
    folders: dict[str, int] = {}
    for one in found:
        folders[one.folder] = folders.get(one.folder, 0) + 1
    corpus = Corpus(folder.name, len(found), sum(len(one.text.encode()) for one in found), folders)
    (folder / "corpus.json").write_text(json.dumps(asdict(corpus)) + "\n")
    return corpus
