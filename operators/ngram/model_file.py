"""The file of an n-gram model: a header in JSON and the arrays of a trie, mapped when it is read."""

import mmap
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from operators.ngram.counting import Level
from operators.ngram.trie import NgramModel, fill_left_counts, fill_left_totals

NGRAM_FILE: Final = "ngrams.bin"
MAGIC: Final = b"ngrams 1"
ALIGNMENT: Final = 64
CHUNK_ITEMS: Final = 1 << 20
"""Numbers that are copied at a time when a file is put together."""

MAX_ORDER: Final = 5


class Header(BaseModel):
    """What a file says of its model before the arrays."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    order: int = Field(ge=1, le=MAX_ORDER)
    vocab_size: int = Field(ge=1)
    num_documents: int = Field(ge=0)
    num_tokens: int = Field(ge=0)
    num_nodes: tuple[int, ...]
    """Nodes of each level, the empty n-gram first."""

    def shapes(self) -> tuple[tuple[int, type[Any]], ...]:  # Any: numbers of any type
        """Size and type of the arrays of a file, in their order: those of NgramModel but the size of the vocabulary."""
        num_nodes = sum(self.num_nodes)
        num_inner = num_nodes - self.num_nodes[-1]
        return (
            (num_nodes, np.uint32),
            (num_nodes, np.uint32),
            (num_inner + 1, np.uint64),
            (num_inner, np.uint64),
            (num_inner, np.uint32),
            (num_inner, np.uint64),
            (self.order, np.float64),
            (self.order - 1, np.float64),
        )


class NgramFormatError(ValueError):
    """A file is no n-gram model; the message says what was expected and what was found."""


class LevelFiles:
    """The nodes of one level on disk while they are counted, part after part."""

    def __init__(self, folder: Path, level: int) -> None:
        self._paths = {name: folder / f"level-{level}-{name}" for name in Level._fields}
        self.num_nodes = 0
        self.largest = 0

    def add(self, part: Level) -> None:
        """Appends nodes that come after those that are there."""
        for name, path in self._paths.items():
            with path.open("ab") as out:
                out.write(getattr(part, name).data)
        self.num_nodes += len(part.ids)
        self.largest = max(self.largest, int(part.counts.max(initial=0)))

    def chunks(self, name: str, dtype: type[Any]) -> Iterator[npt.NDArray[Any]]:  # Any: numbers of any type
        """One array of the level, some numbers at a time."""
        with self._paths[name].open("rb") as stream:
            while data := stream.read(CHUNK_ITEMS * np.dtype(dtype).itemsize):
                yield np.frombuffer(data, dtype)

    def remove(self) -> None:
        """Deletes the files."""
        for path in self._paths.values():
            path.unlink(missing_ok=True)


def write_model(path: Path, header: Header, levels: list[LevelFiles]) -> None:
    """Puts the levels together, and counts what stands before each n-gram. The file is mapped, not held in memory."""
    text = header.model_dump_json().encode()
    prefix = MAGIC + np.uint64(len(text)).tobytes() + text
    places, size = _places(header, len(prefix))
    with path.open("w+b") as out:
        out.truncate(size)
        out.write(prefix)
        out.flush()
        data = np.frombuffer(mmap.mmap(out.fileno(), size), np.uint8)
        model = _model_of(header, data, places)
        _fill(model.ids, 1, *(level.chunks("ids", np.uint32) for level in levels))
        _fill(model.counts, 1, *(level.chunks("counts", np.uint64) for level in levels))
        _fill(model.begins, 0, _begins(levels))
        model.totals[0] = header.num_tokens
        _fill(model.totals, 1, *(level.chunks("totals", np.uint64) for level in levels[:-1]))
        fill_left_counts(header.order, model.ids, model.begins, model.left_counts)
        fill_left_totals(model.begins, model.left_counts, model.left_totals)
        bounds = np.cumsum((0, *header.num_nodes)).tolist()[1:]  # where levels 1, 2, ... begin, and the last one ends
        model.discounts[:] = [discount(model.counts[begin:end]) for begin, end in pairwise(bounds)]
        model.left_discounts[:] = [discount(model.left_counts[begin:end]) for begin, end in pairwise(bounds[:-1])]


def discount(counts: npt.NDArray[np.uint32]) -> float:
    """What is taken from each count, between 0 and 1, by how many are 1 and 2."""
    num_once, num_twice = (int(np.count_nonzero(counts == count)) for count in (1, 2))
    return (num_once + 1) / (num_once + 2 * num_twice + 2)


def _fill(array: npt.NDArray[Any], begin: int, *parts: Iterator[npt.NDArray[Any]]) -> None:  # Any: as above
    """Writes numbers, level after level, from a place on."""
    for part in parts:
        for chunk in part:
            array[begin : begin + len(chunk)] = chunk
            begin += len(chunk)


def _begins(levels: list[LevelFiles]) -> Iterator[npt.NDArray[np.uint64]]:
    """Node 0, whose children begin at 1, then each inner node, and where the last one's children end."""
    begin = 1 + levels[0].num_nodes
    yield np.array([1], np.uint64)
    for level in levels[:-1]:
        for num_children in level.chunks("num_children", np.uint64):
            ends = np.uint64(begin) + np.cumsum(num_children, dtype=np.uint64)
            yield ends - num_children
            begin = int(ends[-1])
    yield np.array([begin], np.uint64)


def _places(header: Header, begin: int) -> tuple[list[int], int]:
    """Where each array begins, after `begin` bytes, and where the last one ends."""
    places = []
    for size, dtype in header.shapes():
        places.append(begin + -begin % ALIGNMENT)
        begin = places[-1] + size * np.dtype(dtype).itemsize
    return places, begin


def _model_of(header: Header, data: npt.NDArray[np.uint8], places: list[int]) -> NgramModel:
    """The arrays of a file, without copying them."""
    arrays = (
        data[place : place + size * np.dtype(dtype).itemsize].view(dtype)
        for place, (size, dtype) in zip(places, header.shapes(), strict=True)
    )
    return NgramModel._make((*arrays, np.float64(header.vocab_size)))


def read_model(path: Path) -> tuple[Header, NgramModel]:
    """Maps a model's file. Raises NgramFormatError."""
    begin = len(MAGIC) + 8
    with path.open("rb") as stream:
        if path.stat().st_size < begin:
            raise NgramFormatError(f"expected an n-gram model; found a file of {path.stat().st_size} bytes")
        data = np.frombuffer(mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ), np.uint8)
    if data[: len(MAGIC)].tobytes() != MAGIC:
        raise NgramFormatError("expected an n-gram model; found another format")
    end = begin + int(data[len(MAGIC) : begin].view(np.uint64)[0])
    try:
        header = Header.model_validate_json(data[begin:end].tobytes())
    except ValidationError as error:
        raise NgramFormatError("expected an n-gram model; found a header that says something else") from error
    places, size = _places(header, end)
    if size != len(data):
        raise NgramFormatError(f"expected an n-gram model of {size} bytes; found {len(data)}")
    return header, _model_of(header, data, places)
