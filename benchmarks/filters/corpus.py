"""The documents that all tools filter: real ones, in a drawn order, as Parquet files with `id` and `text`."""

import json
import random
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.real_text import Document, documents

ENGLISH: Final = ("msdocs_en", "php_docs", "powershell_docs", "peps", "wikitext2", "opentelemetry_docs", "tldr_pages")
OTHERS: Final = ("php_docs",)
"""Where the documents of other languages come from: language identification must drop some."""
OTHER_LANGUAGES: Final = ("fr", "es", "ru")
CHINESE: Final = "lctt_linuxcn"
FOLDERS: Final = (*ENGLISH, CHINESE)
FILES: Final = 4
SEED: Final = 20261123
RECORD: Final = "corpus.json"
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


def write_mixed(folder: Path, size: int) -> Corpus:
    """`size` documents in drawn order: all English ones, as far as they are needed, and others up to `size`."""
    found = [document for name in ENGLISH for document in documents(name, ("en",))]
    draw = random.Random(SEED)  # noqa: S311 - a seeded draw, no secret
    others = [document for name in OTHERS for document in documents(name, OTHER_LANGUAGES)]
    found += draw.sample(others, max(size - len(found), size // 20))
    draw.shuffle(found)
    return _write(folder, found[:size])


def write_quarter(whole: Path, folder: Path) -> Corpus:
    """The documents of the first of the files of `whole`, in drawn order a fair sample: for tools that are slow."""
    table = pq.read_table(min(whole.glob("*.parquet")))
    rows = zip(table["id"].to_pylist(), table["text"].to_pylist(), strict=True)
    return _write(folder, [Document(name, name.split("/", 1)[0], "", text) for name, text in rows])


def write_chinese(folder: Path) -> Corpus:
    """All Chinese documents."""
    return _write(folder, list(documents(CHINESE, ("zh",))))


def _write(folder: Path, found: list[Document]) -> Corpus:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    step = -(-len(found) // FILES)
    for number, start in enumerate(range(0, len(found), step)):
        part = found[start : start + step]
        columns = [pa.array([one.id for one in part]), pa.array([one.text for one in part])]
        pq.write_table(pa.table(columns, SCHEMA), folder / f"{number:04d}.parquet", compression="zstd")
    folders: dict[str, int] = {}
    for one in found:
        folders[one.folder] = folders.get(one.folder, 0) + 1
    corpus = Corpus(folder.name, len(found), sum(len(one.text.encode()) for one in found), folders)
    (folder / RECORD).write_text(json.dumps(asdict(corpus)) + "\n")
    return corpus
