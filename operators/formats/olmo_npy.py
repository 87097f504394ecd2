"""What OLMo-core trains on and Dolma writes: raw ids named `.npy`, and a CSV that says whose they are."""

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, ClassVar, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyarrow import csv

from operators.formats.token_stream import TokenStream
from operators.formats.tokens import Chunk, Numbers, TokenType, dtype_of, write_tokens
from pipeline.document import DOC_ID, SOURCE

TOKENS_FILE, NAMES_FILE = "tokens.npy", "tokens.csv.gz"
COLUMNS: Final = ("start", "end", "id", "src", "loc")
_DEFLATE_BLOCK: Final = 1 << 20
"""Bytes that the compressor is given at once, so that how rows come in batches cannot reach its output."""
_ID_BYTES: Final = 16


class OlmoNpy(TokenStream):
    """`tokens_00000.npy` for each shard, ids without any header, and `tokens_00000.csv.gz` beside it.

    The CSV has a line for each document: `start` and `end` in tokens, `id` (the doc_id in hex), `src` (its source) and
    `loc` (its row in the shard of the token store, counted from 0).

    Columns:
        reads tokens, num_tokens and, where they are there, doc_id and source; over packed rows with `flatten`,
        input_ids and num_tokens: each row is then a document without id and source.

    Determinism:
        EXACT. The gzip header has no time and no name.

    Raises:
        PlanError: packed rows without `flatten`.
        SchemaError: an id does not fit `token_type`, or a row has no tokens.

    Source:
        `dolma/tokenizer/executor.py` of dolma 1.0 for the columns, and `olmo_core/data/utils.py` of ai2-olmo-core
        3.0.0, which reads these files back in our tests. OLMo-core finds documents by its EOS id where it can, so
        tokenize with `append_eos`.

    Cost:
        A copy of the tokens, and 60 bytes of text a document to compress.
    """

    name: ClassVar[str] = "olmo_npy"
    with_columns: ClassVar[tuple[str, ...]] = (DOC_ID, SOURCE)

    token_type: TokenType = "uint16"  # noqa: S105 -- a type of numbers
    """How ids are stored: the dataset's `dtype` in OLMo-core must be the same."""

    @property
    def dtype(self) -> "np.dtype[np.integer]":
        """As asked for."""
        return dtype_of(self.token_type)

    def write_stream(self, chunks: Iterator[Chunk], folder: Path) -> None:
        """Tokens and lines side by side."""
        bound = 1 << 8 * self.dtype.itemsize
        num_tokens = 0
        with (folder / TOKENS_FILE).open("wb") as tokens, (folder / NAMES_FILE).open("wb") as raw:
            lines = _Lines(raw)
            for chunk in chunks:
                write_tokens(tokens, chunk.tokens, self.dtype, bound, "set token_type: uint32")
                lines.write(_lines_of(chunk, num_tokens))
                num_tokens += len(chunk.tokens)
            lines.close()

    def tokens_in(self, folder: Path) -> int:
        """As the size of the tokens and the last line say."""
        end = 0
        with gzip.open(folder / NAMES_FILE, "rb") as stream:
            read = csv.ReadOptions(column_names=COLUMNS, use_threads=False)
            for batch in csv.open_csv(stream, read, csv.ParseOptions(newlines_in_values=True)):
                end = batch.column(COLUMNS[1])[-1].as_py()
        return self.same(tokens=self.tokens_of(folder / TOKENS_FILE), csv=end)

    def dataset_name(self, shard: int, num_shards: int, file: str) -> str:  # noqa: ARG002
        """The shard stands before the suffixes."""
        return file.replace("tokens", f"tokens_{shard:05d}", 1)


class _Lines:
    """Compressed text whose bytes depend on the text alone."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = gzip.GzipFile(filename="", mode="wb", fileobj=stream, mtime=0)
        self._waiting = bytearray()

    def write(self, text: bytes) -> None:
        self._waiting += text
        while len(self._waiting) >= _DEFLATE_BLOCK:
            self._stream.write(self._waiting[:_DEFLATE_BLOCK])
            del self._waiting[:_DEFLATE_BLOCK]

    def close(self) -> None:
        self._stream.write(self._waiting)
        self._stream.close()


def _lines_of(chunk: Chunk, first_token: int) -> bytes:
    """CSV of a chunk's documents."""
    ends = first_token + np.cumsum(chunk.lengths)
    rows = pa.array(chunk.rows)
    names = chunk.batch.schema.names
    nothing = pa.array(np.zeros(len(ends), "U1"), pa.string())
    columns = [
        pa.array(ends - chunk.lengths),
        pa.array(ends),
        _hex(chunk.batch.column(DOC_ID).take(rows)) if DOC_ID in names else nothing,
        chunk.batch.column(SOURCE).take(rows) if SOURCE in names else nothing,
        pa.array(chunk.first_row + chunk.rows),
    ]
    sink = pa.BufferOutputStream()
    csv.write_csv(pa.table(columns, COLUMNS), sink, csv.WriteOptions(include_header=False, quoting_style="needed"))
    return bytes(sink.getvalue())


def _hex(ids: pa.Array) -> pa.Array:
    """(D,) binary(16) ids in hex: all of them at once."""
    raw: npt.NDArray[np.uint8] = np.frombuffer(ids.buffers()[1], np.uint8)
    begin = ids.offset * _ID_BYTES
    text = raw[begin : begin + len(ids) * _ID_BYTES].tobytes().hex().encode()
    offsets: Numbers = np.arange(len(ids) + 1) * 2 * _ID_BYTES
    return pa.LargeStringArray.from_buffers(len(ids), pa.py_buffer(offsets), pa.py_buffer(text))
