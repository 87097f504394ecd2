"""Real English prose as an endless stream of words, from which documents of any number and length are cut.

A piece is a word with the white space after it. All pieces of the sources, in order, are the stream; a document is a
run of it in which some pieces are replaced by pieces drawn from the stream. So every document is different, and keeps
the lengths, the frequencies and most of the word order of prose.

Arrays: N pieces of the stream, D documents, P pieces of all documents.
"""

import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import zstandard

FOLDERS: Final = ("msdocs_en", "peps", "wikitext2")
"""English only, and of each page one version."""
REPLACED: Final = 0.3
"""Share of a document's pieces that are drawn anew. Two documents cut at one place then share 0.7^10 = 3 % of their
word 5-grams, so documents that nobody planted are far from similar, however often the stream is used."""

_PIECE: Final = re.compile(r"\S+\s*")

Pieces = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Prose:
    """The stream."""

    vocabulary: pa.StringArray
    """Every different piece."""
    stream: Pieces  # (N,) indices into the vocabulary

    def texts(self, documents: list[Pieces]) -> pa.StringArray:
        """The text of each document, (D,)."""
        lengths = np.array([len(document) for document in documents])
        offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
        pieces = self.vocabulary.take(pa.array(np.concatenate([np.empty(0, np.int32), *documents])))
        return pc.binary_join(pa.ListArray.from_arrays(pa.array(offsets), pieces), "")

    def cut(self, lengths: npt.NDArray[np.int64], random: np.random.Generator) -> list[Pieces]:
        """Documents of these numbers of pieces, (D,)."""
        starts = random.integers(0, len(self.stream) - lengths)
        ends = np.cumsum(lengths)
        places = np.arange(ends[-1]) + np.repeat(starts - (ends - lengths), lengths)  # (P,)
        pieces = self.replace(self.stream[places], REPLACED, random)
        return np.split(pieces, ends[:-1])

    def replace(self, pieces: Pieces, share: float, random: np.random.Generator) -> Pieces:
        """A copy in which each piece is, with this probability, another one: frequent ones come often."""
        chosen = np.flatnonzero(random.random(len(pieces)) < share)
        out = pieces.copy()
        out[chosen] = self.stream[random.integers(0, len(self.stream), len(chosen))]
        return out


def read_prose(data: Path, limit: int | None = None) -> Prose:
    """The stream of all documents of `FOLDERS` under `data`; `limit`: only so many documents of each."""
    numbers: dict[str, int] = {}
    stream: list[Pieces] = []
    for text in _texts(data, limit):
        pieces = _PIECE.findall(text + "\n")
        stream.append(np.array([numbers.setdefault(piece, len(numbers)) for piece in pieces], np.int32))
    return Prose(pa.array(list(numbers), pa.string()), np.concatenate(stream))


def _texts(data: Path, limit: int | None) -> Iterator[str]:
    for name in FOLDERS:
        left = limit
        for path in sorted((data / name).glob("*.jsonl.zst")):
            with path.open("rb") as stream:
                for line in io.TextIOWrapper(zstandard.ZstdDecompressor().stream_reader(stream), "utf-8", newline="\n"):
                    if left == 0:
                        break
                    left = None if left is None else left - 1
                    yield json.loads(line)["text"]
