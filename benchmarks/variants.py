"""Corpora of N times the size by documents that differ, for measuring how time and memory grow.

Copying documents would let deduplication throw the copies away. Here every copy maps words to other words, one for
one: words of at least `MIN_LETTERS` letters change places with words of the same language, length and about the same
frequency. So each copy keeps its lengths, its stop words, its language, its repetitions and its own exact and near
duplicates, but shares few word 5-grams with any other copy; filters and deduplication then keep about as many rows of
each. Copy 0 is the corpus itself.
"""

import io
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, Final

import zstandard

FOLDERS: Final = ("msdocs_en", "php_docs", "powershell_docs", "peps")
MIN_LETTERS: Final = 5
"""Shorter words stay: Gopher's stop words (the, be, to, of, and, that, have, with) are among them."""
BLOCK_WORDS: Final = 4
"""Words of neighbouring frequency that take each other's places; also the number of different copies."""
FILE_TEXT_BYTES: Final = 16 << 20
ZSTD_LEVEL: Final = 3
RECORD: Final = "corpus.json"

_WORD: Final = re.compile(rf"[^\W\d_]{{{MIN_LETTERS},}}")
Words = Mapping[str, str]
Record = dict[str, Any]  # Any: parsed JSON


@dataclass(frozen=True, slots=True)
class Corpus:
    """What was written."""

    folder: str
    copies: int
    documents: int
    text_bytes: int
    """UTF-8 bytes of the texts, neither compressed nor escaped."""
    files: int


def write_corpus(data: Path, folder: Path, copies: int, limit: int | None = None) -> Corpus:
    """The documents of `FOLDERS` under `data`, `copies` times over, as JSONL.zst files of equal size in `folder`.

    A corpus that is there already is taken as it is. `limit`: only so many documents of each input folder.
    """
    if not 1 <= copies <= BLOCK_WORDS:
        raise ValueError(f"copies: expected 1 to {BLOCK_WORDS}; found {copies}")
    record = folder / RECORD
    if record.is_file():
        return Corpus(**json.loads(record.read_text()))
    folder.mkdir(parents=True, exist_ok=True)
    counts = _count_words(read_documents(data, limit)) if copies > 1 else {}
    with ProcessPoolExecutor(max_workers=min(2, copies)) as pool:
        written = list(
            pool.map(_write_copy, *zip(*((data, folder, copy, limit, counts) for copy in range(copies)), strict=True))
        )
    documents, text_bytes, files = (sum(column) for column in zip(*written, strict=True))
    corpus = Corpus(str(folder), copies, documents, text_bytes, files)
    record.write_text(json.dumps(asdict(corpus)) + "\n")
    return corpus


def read_documents(data: Path, limit: int | None = None) -> Iterator[Record]:
    """The records of all folders, in order."""
    for name in FOLDERS:
        left = limit
        for path in sorted((data / name).glob("*.jsonl.zst")):
            with path.open("rb") as stream:
                lines = io.TextIOWrapper(zstandard.ZstdDecompressor().stream_reader(stream), "utf-8", newline="\n")
                for line in lines:
                    if left == 0:
                        break
                    left = None if left is None else left - 1
                    yield json.loads(line)


def substitutions(counts: Mapping[str, Mapping[str, int]], copy: int) -> dict[str, dict[str, str]]:
    """By language, the word that stands in copy `copy` for each word: a permutation of the language's words."""
    return {language: _permutation(words, copy) for language, words in counts.items()}


def replace_words(text: str, words: Words) -> str:
    """The text with its words replaced; all between them stays."""
    return _WORD.sub(lambda match: words.get(match[0], match[0]), text)


def _permutation(counts: Mapping[str, int], copy: int) -> dict[str, str]:
    """Blocks of words of one length and shape, neighbours by frequency, turned by `copy` places."""
    chosen: dict[str, str] = {}
    ordered = sorted(counts, key=lambda word: (_shape(word), -counts[word], word))
    for _, group in groupby(ordered, key=_shape):
        words = list(group)
        for start in range(0, len(words), BLOCK_WORDS):
            block = words[start : start + BLOCK_WORDS]
            for place, word in enumerate(block):
                chosen[word] = block[(place + copy) % len(block)]
    return chosen


def _shape(word: str) -> tuple[int, int, bool, bool]:
    """Characters, bytes and case: what should not change when words change places."""
    return len(word), len(word.encode()), word[0].isupper(), word[-1].isupper()


def _count_words(documents: Iterable[Record]) -> dict[str, Counter[str]]:
    counts: dict[str, Counter[str]] = {}
    for document in documents:
        counts.setdefault(document["lang"], Counter()).update(_WORD.findall(document["text"]))
    return counts


def _write_copy(
    data: Path, folder: Path, copy: int, limit: int | None, counts: Mapping[str, Mapping[str, int]]
) -> tuple[int, int, int]:
    """Documents, text bytes and files of one copy."""
    words = substitutions(counts, copy) if copy else {}
    documents = text_bytes = files = 0
    for number, group in enumerate(_groups(_renamed(read_documents(data, limit), words, copy))):
        lines = b"".join(json.dumps(document, ensure_ascii=False).encode() + b"\n" for document in group)
        path = folder / f"copy{copy}-{number:04d}.jsonl.zst"
        path.write_bytes(zstandard.ZstdCompressor(level=ZSTD_LEVEL).compress(lines))
        documents += len(group)
        text_bytes += sum(len(document["text"].encode()) for document in group)
        files += 1
    return documents, text_bytes, files


def _renamed(documents: Iterable[Record], words: Mapping[str, Words], copy: int) -> Iterator[Record]:
    for document in documents:
        if copy:
            text = replace_words(document["text"], words[document["lang"]])
            yield document | {"id": f"copy{copy}/{document['id']}", "text": text}
        else:
            yield document


def _groups(documents: Iterable[Record]) -> Iterator[Sequence[Record]]:
    """Runs of documents with about `FILE_TEXT_BYTES` of text."""
    group: list[Record] = []
    size = 0
    for document in documents:
        group.append(document)
        size += len(document["text"].encode())
        if size >= FILE_TEXT_BYTES:
            yield group
            group, size = [], 0
    if group:
        yield group
