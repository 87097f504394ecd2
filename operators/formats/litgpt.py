"""LitGPT's packed layout: files of one fixed number of ids behind a header, as its PackedDataset reads them."""

import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar, Final, Literal

import numpy as np
from pydantic import Field

from operators.formats.token_runs import runs
from operators.formats.token_stream import TokenStream
from operators.formats.tokens import Chunk, write_tokens
from pipeline.errors import OperatorError

HEADER: Final = struct.Struct("<7sQBQ")
"""Magic, version, code of the stored type, ids of the file: 24 bytes."""
MAGIC: Final = b"LITPKDS"
VERSION: Final = 1
DTYPE_CODES: Final = {"uint16": 8, "int32": 4}

PADDING_FILE: Final = "padding.json"
NUM_PADDING: Final = "num_padding"


class LitGpt(TokenStream):
    """`tokens_00000_0000000000.bin` and so on for each shard: ids of the stream, `blocks_per_file` blocks in each file.

    The reader takes the number of ids from the first file and expects it of all. So each shard's last file is filled
    up with `pad_token`, as LitGPT's own builder does; how many are padding stands beside it in
    `tokens_00000_padding.json`, and no token is dropped. Choose `blocks_per_file` small beside the tokens of a shard.

    Columns:
        reads tokens and num_tokens; over packed rows with `flatten`, input_ids and num_tokens. The format holds no
        bounds of documents.

    Determinism:
        EXACT.

    Raises:
        PlanError: packed rows without `flatten`.
        SchemaError: an id does not fit `token_type`, or a row has no tokens.

    Source:
        `lit_gpt/packed_dataset.py` of LitGPT before 0.2 (and of lit-llama and TinyLlama): PackedDatasetBuilder and
        PackedDatasetIterator. Blocks of 2,049 ids, 1,024 of them a file, are those of ProX (Zhou et al., 2024,
        arXiv:2409.17115, `prepare_web.py`), which drops the last file of each process; we keep it.

    Cost:
        A copy of the tokens. Memory holds a batch and one file.
    """

    name: ClassVar[str] = "litgpt"

    pad_token: int = Field(ge=0, lt=1 << 31)
    """Fills a shard's last file; LitGPT's builder takes the end-of-document token."""
    block_size: int = Field(default=2049, ge=1)
    """Ids that the trainer reads at once: its context, and one more for the last target."""
    blocks_per_file: int = Field(default=1024, ge=1)
    token_type: Literal["uint16", "int32"] = "uint16"  # noqa: S105 -- a type of numbers
    """How ids are stored; each file's header says it."""

    @property
    def dtype(self) -> "np.dtype[np.integer]":
        """As asked for."""
        return np.dtype(self.token_type)

    @property
    def ids_per_file(self) -> int:
        """Of every file, padding included."""
        return self.block_size * self.blocks_per_file

    def write_stream(self, chunks: Iterator[Chunk], folder: Path) -> None:
        """File after file."""
        num_ids, bound = self.ids_per_file, 1 + np.iinfo(self.dtype).max
        num_padding = 0
        for number, run in enumerate(runs(chunks, num_ids)):
            num_padding = num_ids - len(run.tokens)
            padding = np.full(num_padding, self.pad_token, np.uint32)
            with (folder / f"{number:010d}.bin").open("wb") as stream:
                stream.write(HEADER.pack(MAGIC, VERSION, DTYPE_CODES[self.token_type], num_ids))
                for ids in (run.tokens, padding):
                    write_tokens(stream, ids, self.dtype, bound, "set token_type: int32")
        (folder / PADDING_FILE).write_text(json.dumps({NUM_PADDING: num_padding}) + "\n")

    def tokens_in(self, folder: Path) -> int:
        """Ids that the files hold by their sizes, less the padding, which must lie at the end of the last one."""
        num_padding = int(json.loads((folder / PADDING_FILE).read_bytes())[NUM_PADDING])
        files = sorted(folder.glob("*.bin"))
        for path in files:
            self._check_header(path)
        with files[-1].open("rb") as stream:
            stream.seek(HEADER.size + (self.ids_per_file - num_padding) * self.dtype.itemsize)
            rest = np.fromfile(stream, self.dtype)
        if len(rest) != num_padding or (rest != self.pad_token).any():
            raise OperatorError(
                f"{self.name}: expected {num_padding} ids {self.pad_token} at the end of {files[-1].name}; found others"
            )
        return sum(self.tokens_of(path, HEADER.size) for path in files) - num_padding

    def _check_header(self, path: Path) -> None:
        with path.open("rb") as stream:
            found = HEADER.unpack(stream.read(HEADER.size))
        expected = (MAGIC, VERSION, DTYPE_CODES[self.token_type], self.tokens_of(path, HEADER.size))
        if found != expected or found[-1] != self.ids_per_file:
            raise OperatorError(
                f"{self.name}: expected header {expected} and {self.ids_per_file} ids in {path.name}; found {found}"
            )

    def dataset_name(self, shard: int, num_shards: int, file: str) -> str:  # noqa: ARG002
        """Readers sort the files of one prefix by name."""
        return f"tokens_{shard:05d}_{file}"
