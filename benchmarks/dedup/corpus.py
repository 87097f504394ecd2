"""Corpora with planted near-duplicates and the truth about them: seeded, so the same everywhere.

A quarter of the documents are copies. Each has one original, no original has two copies, and copies are edited (see
edits.py) towards similarities drawn evenly from `LEAST_JACCARD` to 1. Places in the corpus are drawn. Beside the
Parquet files with `id` and `text`, `truth.parquet` has a row for each pair: the ids, the edit, and the exact Jaccard
similarity of the shingles that corpusmill compares. All other pairs are nearly without common shingles, because every
document draws a good part of its words anew; `benchmarks.dedup.unplanted` checks that.
"""

import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from benchmarks.dedup.edits import EDITS
from benchmarks.dedup.prose import Pieces, Prose
from operators.dedup.jaccard import jaccard
from operators.dedup.shingles import shingle_hashes

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

ShingleSet = npt.NDArray[np.uint32]


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


def write_corpus(read: Callable[[], Prose], folder: Path, settings: Settings) -> Corpus:
    """Writes `folder`/docs/*.parquet and `folder`/truth.parquet from what `read` returns.

    A corpus of the same settings that is there already is taken as it is, and nothing is read.
    """
    record = folder / RECORD
    if record.is_file():
        found = json.loads(record.read_text())
        corpus = Corpus(**found | {"settings": Settings(**found["settings"]), "folder": str(folder)})
        if corpus.settings == settings:
            return corpus
    prose = read()
    shutil.rmtree(folder, ignore_errors=True)
    documents, pairs = draw_corpus(prose, settings)
    folder.mkdir(parents=True)
    pq.write_table(_truth(prose, documents, pairs, settings), folder / TRUTH)
    text_bytes = write_documents(prose, documents, folder / DOCUMENTS)
    corpus = Corpus(str(folder), settings, settings.documents, len(pairs), text_bytes)
    record.write_text(json.dumps(asdict(corpus)) + "\n")
    return corpus


def draw_corpus(prose: Prose, settings: Settings) -> Drawn:
    """All documents, each at the place that is drawn for it."""
    place = np.random.default_rng(settings.seed).permutation(settings.documents)
    documents: list[Pieces] = [np.empty(0, np.int32)] * settings.documents
    truth: list[tuple[int, int, str]] = []
    for number, start in enumerate(range(0, settings.documents, BLOCK)):
        places = place[start : start + BLOCK]
        drawn, pairs = draw(prose, settings, number, len(places))
        for index, document in enumerate(drawn):
            documents[places[index]] = document
        truth += [(int(places[original]), int(places[copy]), edit) for original, copy, edit in pairs]
    return Drawn(documents, truth)


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


def shingle_set(text: str) -> ShingleSet:
    """The different word 5-grams of a text, hashed, by corpusmill's normalisation; empty without words."""
    return np.unique(shingle_hashes(text))


def write_documents(prose: Prose, documents: Sequence[Pieces], folder: Path) -> int:
    """Writes documents as `FILES` Parquet files in order; returns the bytes of their texts."""
    folder.mkdir(parents=True, exist_ok=True)
    text_bytes = 0
    size = -(-len(documents) // FILES)
    for number, start in enumerate(range(0, len(documents), size)):
        with pq.ParquetWriter(folder / f"{number:04d}.parquet", SCHEMA, compression="zstd") as writer:
            for batch in _batches(prose, documents, start, min(start + size, len(documents))):
                writer.write_batch(batch)
                text_bytes += pc.sum(pc.binary_length(batch.column("text"))).as_py()
    return text_bytes


def _batches(prose: Prose, documents: Sequence[Pieces], start: int, stop: int) -> Iterator[pa.RecordBatch]:
    for begin in range(start, stop, ROW_GROUP_ROWS):
        end = min(begin + ROW_GROUP_ROWS, stop)
        ids = pa.array([document_id(place) for place in range(begin, end)])
        yield pa.record_batch([ids, prose.texts(list(documents[begin:end]))], schema=SCHEMA)


def _truth(
    prose: Prose, documents: Sequence[Pieces], pairs: Sequence[tuple[int, int, str]], settings: Settings
) -> pa.Table:
    rows = []
    for original, copy, edit in pairs:
        found = None
        if settings.with_truth:
            texts = prose.texts([documents[original], documents[copy]]).to_pylist()
            found = jaccard(shingle_set(texts[0]), shingle_set(texts[1]))
        rows.append((document_id(original), document_id(copy), edit, found))
    columns = zip(*rows, strict=True) if rows else ((), (), (), ())
    return pa.table(
        [pa.array(column, field.type) for column, field in zip(columns, TRUTH_SCHEMA, strict=True)], schema=TRUTH_SCHEMA
    )
