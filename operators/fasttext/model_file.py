"""Reads fastText's model files, `.bin` and `.ftz`, into arrays.

A matrix of floats stays where it is, in the mapped file: the workers of a node share its pages, and rows that no text
asks for are never read. Letters are: N entries of the dictionary, M rows and E columns of a matrix, Q parts of a
quantized row, each of S columns, L labels, P hashed n-grams that quantization left over.
"""

import math
import mmap
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from pipeline.kernel import Bytes, borrowing_kernel

Floats = npt.NDArray[np.float32]
Integers = npt.NDArray[np.int32]
Codes = npt.NDArray[np.uint8]
Offsets = npt.NDArray[np.int64]

MAGIC: Final = 793712314
OLD_VERSION: Final = 11
"""Its classifiers had no character n-grams, whatever their settings say."""
LAST_VERSION: Final = 12
SUPERVISED: Final = 3
LOSSES: Final = {1: "hs", 2: "ns", 3: "softmax", 4: "ova"}
NUM_CENTROIDS: Final = 256

_HEADER: Final = struct.Struct("<2i12id")
_DICTIONARY: Final = struct.Struct("<3i2q")
_ENTRY_TAIL: Final = 9
"""Bytes behind the NUL that ends a word: an int64 count and an int8 kind."""
_DENSE: Final = struct.Struct("<2q")
_QUANTIZED: Final = struct.Struct("<?2qi")
_QUANTIZER: Final = struct.Struct("<4i")

DECODED_BYTES: Final = 1 << 26
"""A quantized matrix that takes no more as floats is decoded when it is read: rows are then added faster."""


class ModelFormatError(ValueError):
    """A file is not what fastText writes for a classifier; the message says what was expected and what was found."""


class Matrix(NamedTuple):
    """The rows of a matrix, as floats or as codes of a product quantizer; the other arrays are then empty."""

    floats: Floats  # (M, E)
    codes: Codes  # (M, Q)
    centroids: Floats  # (Q, 256, S), the last part padded with zeros
    scales: Floats  # (M,) the norms that quantized rows were divided by; 1 without

    @property
    def num_rows(self) -> int:
        """M."""
        return max(len(self.floats), len(self.codes))


@dataclass(frozen=True, slots=True)
class ModelFile:
    """What a file says, checked to be sound: no row that a text can ask for is missing."""

    dim: int
    word_ngrams: int
    loss: str
    bucket: int
    min_subword: int
    max_subword: int
    num_words: int
    """Entries of the dictionary before the labels."""
    data: Bytes
    """The file."""
    begins: Offsets  # (N,) where an entry's word begins in `data`
    ends: Offsets  # (N,) where it ends
    label_counts: Offsets  # (L,)
    pruned: Integers | None
    """(P, 2) hashed n-grams and their rows after the words; None where none was removed."""
    input: Matrix
    output: Floats  # (L, E)

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels in their order, with their prefix."""
        spans = zip(self.begins[self.num_words :], self.ends[self.num_words :], strict=True)
        return tuple(self.data[begin:end].tobytes().decode("utf-8", "replace") for begin, end in spans)


class _Reader:
    """Takes one thing after the other from the file's bytes."""

    def __init__(self, data: Bytes) -> None:
        self.data = data
        self.place = 0

    def take(self, num_bytes: int) -> Bytes:
        """The next bytes, without copying them."""
        if num_bytes < 0 or self.place + num_bytes > len(self.data):
            raise ModelFormatError(
                f"expected {num_bytes} bytes at byte {self.place}; found that the file ends at {len(self.data)}"
            )
        self.place += num_bytes
        return self.data[self.place - num_bytes : self.place]

    def unpack(self, record: struct.Struct) -> tuple[int, ...]:
        """The next record."""
        return record.unpack(self.take(record.size).data)

    def floats(self, *shape: int) -> Floats:
        """The next floats."""
        return self.take(4 * math.prod(shape)).view(np.float32).reshape(shape)


def read_model(path: Path) -> ModelFile:
    """Maps a classifier's file. Raises ModelFormatError."""
    reader = _Reader(_mapped(path))
    if len(reader.data) < _HEADER.size:
        raise ModelFormatError(f"expected a fastText model; found a file of {len(reader.data)} bytes")
    header = reader.unpack(_HEADER)
    magic, version, dim, _, _, _, _, word_ngrams, loss, kind, bucket, min_subword, max_subword, *_ = header
    if magic != MAGIC or not OLD_VERSION <= version <= LAST_VERSION:
        raise ModelFormatError("expected a fastText model; found another format")
    if kind != SUPERVISED or loss not in LOSSES:
        raise ModelFormatError("expected a classifier (a supervised model); found word vectors")
    num_entries, num_words, num_labels, _, num_pruned = reader.unpack(_DICTIONARY)
    if not dim > 0 or not 0 < num_labels == num_entries - num_words <= num_entries:
        raise ModelFormatError(f"expected words and labels; found {num_entries} entries, {num_labels} of them labels")
    begins, ends, counts = _read_entries(reader, num_entries)
    pruned = reader.take(8 * num_pruned).view(np.int32).reshape(-1, 2) if num_pruned >= 0 else None
    is_quantized = bool(reader.take(1)[0])
    matrix = _read_quantized(reader) if is_quantized else _dense(_read_dense(reader))
    is_output_quantized = bool(reader.take(1)[0]) and is_quantized
    output = _decoded(_read_quantized(reader)) if is_output_quantized else _read_dense(reader)
    model = ModelFile(
        dim=dim,
        word_ngrams=word_ngrams,
        loss=LOSSES[loss],
        bucket=bucket,
        min_subword=min_subword,
        max_subword=0 if version == OLD_VERSION else max(max_subword, 0),
        num_words=num_words,
        data=reader.data,
        begins=begins,
        ends=ends,
        label_counts=counts[num_words:],
        pruned=pruned,
        input=matrix,
        output=output,
    )
    _check_shapes(model)
    return model


def _mapped(path: Path) -> Bytes:
    with path.open("rb") as stream:
        if path.stat().st_size == 0:
            raise ModelFormatError("expected a fastText model; found an empty file")
        return np.frombuffer(mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ), np.uint8)


def _read_entries(reader: _Reader, num_entries: int) -> tuple[Offsets, Offsets, Offsets]:
    """Where the words of the dictionary begin and end, and their counts."""
    begins, ends, counts = (np.zeros(num_entries, np.int64) for _ in range(3))
    place = int(_find_entries(reader.data, np.uintp(reader.place), begins, ends, counts))
    if place > len(reader.data):
        raise ModelFormatError(f"expected a dictionary of {num_entries} entries; found that the file ends in it")
    reader.place = place
    return begins, ends, counts


@borrowing_kernel
def _find_entries(data: Bytes, place: np.uintp, begins: Offsets, ends: Offsets, counts: Offsets) -> np.uintp:
    """Where the dictionary ends, beyond the data if it is cut short. Writes where its N words lie, and their counts."""
    i = place
    size = np.uintp(data.shape[0])
    for entry in range(begins.shape[0]):
        begins[np.uintp(entry)] = np.int64(i)
        while i < size and data[i] != np.uint8(0):
            i += np.uintp(1)
        ends[np.uintp(entry)] = np.int64(i)
        i += np.uintp(1)
        if i + np.uintp(_ENTRY_TAIL) > size:
            return size + np.uintp(1)
        for byte in range(8):
            counts[np.uintp(entry)] |= np.int64(data[i + np.uintp(byte)]) << np.int64(8 * byte)
        i += np.uintp(_ENTRY_TAIL)
    return i


def _dense(floats: Floats) -> Matrix:
    """Read-only like those that are mapped, so that kernels compile once."""
    codes = np.zeros((0, 0), np.uint8)
    floats.flags.writeable = codes.flags.writeable = False
    return Matrix(floats, codes, np.zeros((0, 0, 0), np.float32), np.zeros(0, np.float32))


def _read_dense(reader: _Reader) -> Floats:
    num_rows, num_columns = reader.unpack(_DENSE)
    return reader.floats(num_rows, num_columns)


def _read_quantized(reader: _Reader) -> Matrix:
    """A quantized matrix: as codes, or decoded if it is small."""
    has_norms, num_rows, num_columns, num_codes = reader.unpack(_QUANTIZED)
    codes = reader.take(num_codes)
    centroids = _read_centroids(reader)
    if num_codes != num_rows * len(centroids):
        raise ModelFormatError(f"expected {num_rows} rows of {len(centroids)} codes; found {num_codes} codes")
    scales = np.ones(num_rows, np.float32)
    if has_norms:
        norms = reader.take(num_rows)
        scales = _read_centroids(reader)[0, :, 0][norms]
    empty = np.zeros((0, num_columns), np.float32)
    empty.flags.writeable = False
    matrix = Matrix(empty, codes.reshape(num_rows, len(centroids)), centroids, scales)
    return _dense(_decoded(matrix)) if 4 * num_rows * num_columns <= DECODED_BYTES else matrix


def _read_centroids(reader: _Reader) -> Floats:
    """The centroids of a product quantizer, (Q, 256, S)."""
    num_columns, num_parts, part, last_part = reader.unpack(_QUANTIZER)
    if not 0 < last_part <= part or num_columns != part * (num_parts - 1) + last_part:
        raise ModelFormatError(
            f"expected {num_columns} columns; found {num_parts} parts of {part}, the last of {last_part}"
        )
    centroids = np.zeros((num_parts, NUM_CENTROIDS, part), np.float32)
    centroids[:-1] = reader.floats(num_parts - 1, NUM_CENTROIDS, part)
    centroids[-1, :, :last_part] = reader.floats(NUM_CENTROIDS, last_part)
    return centroids


def _decoded(matrix: Matrix) -> Floats:
    """The rows of a quantized matrix."""
    if len(matrix.floats):
        return matrix.floats
    num_columns = matrix.floats.shape[1]
    decoded = np.zeros((len(matrix.codes), num_columns), np.float32)
    part = matrix.centroids.shape[2]
    for number, centroids in enumerate(matrix.centroids):
        columns = decoded[:, number * part : (number + 1) * part]
        columns[:] = centroids[matrix.codes[:, number], : columns.shape[1]]
    decoded *= matrix.scales[:, None]
    return decoded


def _check_shapes(model: ModelFile) -> None:
    """Refuses a model in which a text could ask for a row that is not there."""
    hashes = model.word_ngrams > 1 or model.max_subword > 0
    if model.pruned is None:
        num_hashed = model.bucket if hashes else 0
    else:
        num_hashed = int(model.pruned[:, 1].max(initial=-1)) + 1
        if model.pruned.size and (model.pruned.min() < 0 or model.pruned[:, 0].max() >= model.bucket):
            raise ModelFormatError(f"expected pruned n-grams below {model.bucket}; found others")
    if hashes and model.bucket <= 0:
        raise ModelFormatError(f"expected buckets for n-grams; found {model.bucket}")
    columns = model.input.floats.shape[1]
    if model.input.num_rows < model.num_words + num_hashed or columns != model.dim:
        raise ModelFormatError(
            f"expected {model.num_words + num_hashed} rows of {model.dim} floats; found {model.input.num_rows} of "
            f"{columns}"
        )
    if model.output.shape != (len(model.label_counts), model.dim):
        raise ModelFormatError(
            f"expected {len(model.label_counts)} labels of {model.dim} floats; found {model.output.shape}"
        )
