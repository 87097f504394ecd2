"""Megatron-LM's indexed dataset: `.bin` with the tokens and `.idx` with where sequences and documents lie."""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar, Final

import numpy as np
from pydantic import Field

from operators.formats.token_stream import TokenStream
from operators.formats.tokens import Chunk, Numbers, write_tokens
from pipeline.errors import OperatorError

MAGIC: Final = b"MMIDIDX\x00\x00"
VERSION: Final = 1
HEADER: Final = struct.Struct("<9sQBQQ")
"""Magic, version, code of the stored type, sequences, entries of the document index."""
DTYPE_CODES: Final = {"uint16": 8, "int32": 4}
SMALL_VOCABULARY: Final = 65_500
"""Megatron stores ids of smaller vocabularies as uint16, and of others as int32: `DType.optimal_dtype`."""

TOKENS_FILE, INDEX_FILE = "tokens.bin", "tokens.idx"


class Megatron(TokenStream):
    """A pair of files for each shard, `tokens_00000.bin` and `tokens_00000.idx`: a prefix for Megatron's `--data-path`.

    Each document is one sequence, as Megatron's own preprocessing makes it without `--split-sentences`.

    Columns:
        reads tokens and num_tokens; over packed rows with `flatten`, input_ids and num_tokens, and each row is a
        document.

    Determinism:
        EXACT.

    Raises:
        PlanError: packed rows without `flatten`.
        SchemaError: an id is not below `vocab_size`, or a row has no tokens.

    Source:
        `megatron/core/datasets/indexed_dataset.py` of megatron-core 0.16.1, which reads these files back in our tests.

    Cost:
        A copy of the tokens; 8 bytes for each document of the shard in memory.
    """

    name: ClassVar[str] = "megatron"

    vocab_size: int = Field(gt=0, le=1 << 31)
    """No id reaches it. Below 65,500 ids are stored as uint16, from there on as int32, as Megatron does."""

    @property
    def dtype(self) -> "np.dtype[np.integer]":
        """As Megatron chooses it."""
        return np.dtype(np.uint16 if self.vocab_size < SMALL_VOCABULARY else np.int32)

    def write_stream(self, chunks: Iterator[Chunk], folder: Path) -> None:
        """Tokens first; the index when all lengths are known."""
        lengths: list[Numbers] = []
        with (folder / TOKENS_FILE).open("wb") as stream:
            for chunk in chunks:
                write_tokens(stream, chunk.tokens, self.dtype, self.vocab_size, "correct vocab_size")
                lengths.append(chunk.lengths)
        self._write_index(np.concatenate(lengths), folder / INDEX_FILE)

    def _write_index(self, lengths: Numbers, path: Path) -> None:
        """Lengths and byte offsets of the sequences (D,), then where documents begin among them (D + 1,)."""
        begins = np.zeros(len(lengths), np.int64)
        np.cumsum(lengths[:-1] * self.dtype.itemsize, out=begins[1:])
        with path.open("wb") as stream:
            code = DTYPE_CODES[self.dtype.name]
            stream.write(HEADER.pack(MAGIC, VERSION, code, len(lengths), len(lengths) + 1))
            stream.write(lengths.astype("<i4").tobytes())
            stream.write(begins.astype("<i8").tobytes())
            stream.write(np.arange(len(lengths) + 1, dtype="<i8").tobytes())

    def tokens_in(self, folder: Path) -> int:
        """As the size of the tokens and the lengths in the index say, which must agree."""
        with (folder / INDEX_FILE).open("rb") as stream:
            magic, version, code, num_sequences, _ = HEADER.unpack(stream.read(HEADER.size))
            if (magic, version, code) != (MAGIC, VERSION, DTYPE_CODES[self.dtype.name]):
                raise OperatorError(f"{self.name}: expected an index of {self.dtype.name}; found another header")
            lengths = np.frombuffer(stream.read(4 * num_sequences), "<i4")
        return self.same(tokens=self.tokens_of(folder / TOKENS_FILE), index=int(lengths.sum(dtype=np.int64)))

    def dataset_name(self, shard: int, num_shards: int, file: str) -> str:  # noqa: ARG002
        """A prefix for each shard."""
        return f"tokens_{shard:05d}{Path(file).suffix}"
