"""Corpora with planted near-duplicates and the truth about them: seeded, so the same everywhere.

A quarter of the documents are copies. Each has one original, no original has two copies, and copies are edited (see
edits.py) towards similarities drawn evenly from `LEAST_JACCARD` to 1. Places in the corpus are drawn. Beside the
Parquet files with `id` and `text`, `truth.parquet` has a row for each pair: the ids, the edit, and the exact Jaccard
similarity of the shingles that corpusmill compares. All other pairs are nearly without common shingles, because every
document draws a good part of its words anew; `benchmarks.dedup.unplanted` checks that.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.dedup.edits import EDITS
from benchmarks.dedup.prose import Pieces, Prose
from operators.dedup.minhash import shingle_hashes

COPIES: Final = 0.25
LEAST_JACCARD: Final = 0.3
LENGTH_SIGMA: Final = 0.8
"""Of the lognormal distribution of lengths: the longest of 100,000 documents has some 20 times the mean."""
LEAST_PIECES: Final = 40
FILES: Final = 4
BLOCK: Final = 1000
"""Documents that are drawn together; their seed is the corpus's and the block's number."""
ROW_GROUP_ROWS: Final = 2000
RECORD: Final = "corpus.json"
TRUTH: Final = "truth.parquet"
DOCUMENTS: Final = "docs"

SCHEMA: Final = pa.schema([pa.field("id", pa.string()), pa.field("text", pa.string())])
TRUTH_SCHEMA: Final = pa.schema(
    [
        pa.field("original", pa.string()),
        pa.field("copy", pa.string()),
        pa.field("edit", pa.string()),
        pa.field("jaccard", pa.float64()),
    ]
)


@dataclass(frozen=True, slots=True)
class Settings:
    """What decides a corpus."""

    documents: int
    mean_pieces: int
    """Of originals: words as white space separates them."""
    seed: int = 20261122
    with_truth: bool = True
    """Whether exact similarities are measured; a corpus for timing alone needs none."""


@dataclass(frozen=True, slots=True)
class Corpus:
    """What was written."""

    folder: str
    settings: Settings
    documents: int
    pairs: int
    text_bytes: int
    """UTF-8 bytes of the texts, not compressed."""

    @property
    def path(self) -> Path:
        """The folder."""
        return Path(self.folder)


class Drawn(NamedTuple):
    """Some documents, and which of them are pairs: (original, copy, edit), indices among these documents."""

    documents: list[Pieces]
    pairs: list[tuple[int, int, str]]


def write_corpus(prose: Prose, folder: Path, settings: Settings) -> Corpus:
    """Writes `folder`/docs/*.parquet and `folder`/truth.parquet. A corpus that is there already is taken as it is."""
    record = folder / RECORD
    if record.is_file():
        found = json.loads(record.read_text())
        return Corpus(**found | {"settings": Settings(**found["settings"])})
    blocks = [
        draw(prose, settings, number, min(BLOCK, settings.documents - start))
        for number, start in enumerate(range(0, settings.documents, BLOCK))
    ]
    place = np.random.default_rng(settings.seed).permutation(settings.documents)
    documents: list[Pieces] = [np.empty(0, np.int32)] * settings.documents
    truth: list[tuple[str, str, str]] = []
    for number, (drawn, pairs) in enumerate(blocks):
        places = place[number * BLOCK :]
        for index, document in enumerate(drawn):
            documents[places[index]] = document
        truth += [(document_id(places[original]), document_id(places[copy]), edit) for original, copy, edit in pairs]
    jaccards = [_jaccard_of(prose, documents, pair) for pair in truth] if settings.with_truth else [None] * len(truth)
    columns = list(zip(*truth, strict=True)) if truth else [(), (), ()]
    folder.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table([*map(pa.array, columns), pa.array(jaccards)], schema=TRUTH_SCHEMA), folder / TRUTH)
    text_bytes = write_documents(prose, documents, folder / DOCUMENTS)
    corpus = Corpus(str(folder), settings, settings.documents, len(truth), text_bytes)
    record.write_text(json.dumps(asdict(corpus)) + "\n")
    return corpus


def draw(prose: Prose, settings: Settings, number: int, size: int) -> Drawn:
    """Block `number` of a corpus: `size` documents, originals first."""
    random = np.random.default_rng((settings.seed, number))
    num_copies = int(size * COPIES)
    originals = prose.cut(lengths(settings.mean_pieces, size - num_copies, random), random)
    names = list(EDITS)
    documents, pairs = list(originals), []
    for original in range(num_copies):
        edit = names[random.integers(len(names))]
        wanted = random.uniform(LEAST_JACCARD, 1.0)
        pairs.append((original, len(documents), edit))
        documents.append(EDITS[edit](prose, originals[original], wanted, random))
    return Drawn(documents, pairs)


def lengths(mean_pieces: int, size: int, random: np.random.Generator) -> npt.NDArray[np.int64]:
    """Numbers of pieces, (size,), lognormal."""
    mu = np.log(mean_pieces) - LENGTH_SIGMA**2 / 2
    drawn = random.lognormal(mu, LENGTH_SIGMA, size)
    return np.clip(drawn, LEAST_PIECES, 30 * mean_pieces).astype(np.int64)


def document_id(place: int) -> str:
    """The id of the document at a place of its corpus."""
    return f"d{place:08d}"


def jaccard(one: str, other: str) -> float:
    """The exact Jaccard similarity of two texts' word 5-grams, by corpusmill's normalisation; 0 without words."""
    sets = [np.unique(shingle_hashes(text)) for text in (one, other)]
    both = len(np.intersect1d(*sets, assume_unique=True))
    either = sum(map(len, sets)) - both
    return both / either if either else 0.0


def write_documents(prose: Prose, documents: Sequence[Pieces], folder: Path) -> int:
    """Writes documents as `FILES` Parquet files in order; returns the bytes of their texts."""
    folder.mkdir(parents=True, exist_ok=True)
    text_bytes = 0
    size = -(-len(documents) // FILES)
    for number, start in enumerate(range(0, len(documents), size)):
        with pq.ParquetWriter(folder / f"{number:04d}.parquet", SCHEMA, compression="zstd") as writer:
            for batch in _batches(prose, documents, start, min(start + size, len(documents))):
                writer.write_batch(batch)
                text_bytes += batch.column("text").nbytes - 4 * (batch.num_rows + 1)
    return text_bytes


def _batches(prose: Prose, documents: Sequence[Pieces], start: int, stop: int) -> Iterator[pa.RecordBatch]:
    for begin in range(start, stop, ROW_GROUP_ROWS):
        end = min(begin + ROW_GROUP_ROWS, stop)
        ids = pa.array([document_id(place) for place in range(begin, end)])
        yield pa.record_batch([ids, prose.texts(list(documents[begin:end]))], schema=SCHEMA)


def _jaccard_of(prose: Prose, documents: Sequence[Pieces], pair: tuple[str, str, str]) -> float:
    one, other = prose.texts([documents[int(name[1:])] for name in pair[:2]]).to_pylist()
    return jaccard(one, other)
