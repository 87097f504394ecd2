"""nanoGPT's headerless `.bin`: token ids as uint16, and nothing else."""

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar, Final, Literal

import numpy as np

from operators.formats.token_stream import TokenStream
from operators.formats.tokens import Chunk, write_tokens

TOKENS_FILE: Final = "tokens.bin"
BOUND: Final = 1 << 16


class NanoGpt(TokenStream):
    """`train.bin`, or `train_00000.bin` and so on where there are several shards.

    nanoGPT itself reads one file. Several are its parts: `cat train_*.bin > train.bin` makes it, and there is nothing
    else to do, since the format has no header.

    Columns:
        reads tokens and num_tokens; over packed rows with `flatten`, input_ids and num_tokens.

    Determinism:
        EXACT.

    Raises:
        PlanError: packed rows without `flatten`.
        SchemaError: an id is 65,536 or more, or a row has no tokens.

    Source:
        karpathy/nanoGPT, `data/openwebtext/prepare.py` writes it and `get_batch` of `train.py` reads it, with
        `np.memmap(path, dtype=np.uint16)`. It knows no documents: only their EOS tokens show where they end.

    Cost:
        A copy of the tokens; memory holds a batch.
    """

    name: ClassVar[str] = "nanogpt"

    split: Literal["train", "val"] = "train"
    """What the trainer calls this part of the data."""

    @property
    def dtype(self) -> "np.dtype[np.integer]":
        """The only one."""
        return np.dtype(np.uint16)

    def write_stream(self, chunks: Iterator[Chunk], folder: Path) -> None:
        """The tokens."""
        with (folder / TOKENS_FILE).open("wb") as stream:
            for chunk in chunks:
                write_tokens(stream, chunk.tokens, self.dtype, BOUND, "this format has no larger ones: choose another")

    def tokens_in(self, folder: Path) -> int:
        """By size."""
        return self.tokens_of(folder / TOKENS_FILE)

    def dataset_name(self, shard: int, num_shards: int, file: str) -> str:
        """The name that nanoGPT reads, where one shard is all."""
        return f"{self.split}{Path(file).suffix}" if num_shards == 1 else f"{self.split}_{shard:05d}{Path(file).suffix}"
