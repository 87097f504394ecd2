"""llm.c's `.bin`: a header of 256 numbers, then token ids."""

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar, Final, Literal

import numpy as np

from operators.formats.token_stream import TokenStream
from operators.formats.tokens import Chunk, TokenType, dtype_of, write_tokens
from pipeline.errors import OperatorError, SchemaError

TOKENS_FILE: Final = "tokens.bin"
HEADER_NUMBERS: Final = 256
HEADER_BYTES: Final = 4 * HEADER_NUMBERS
KINDS: Final = {"uint16": (20_240_520, 1), "uint32": (20_240_801, 7)}
"""Magic number and version, of llm.c's GPT-2 and Llama 3 data."""
MAX_TOKENS: Final = 2**31 - 1
"""The header holds the count as an int32."""


class LlmC(TokenStream):
    """`train_00000.bin` and so on, one for each shard: llm.c reads all files of a pattern, such as `train_*.bin`.

    Columns:
        reads tokens and num_tokens; over packed rows with `flatten`, input_ids and num_tokens.

    Determinism:
        EXACT.

    Raises:
        PlanError: packed rows without `flatten`.
        SchemaError: an id does not fit `token_type`, a shard has 2^31 tokens or more, or a row has no tokens.

    Source:
        karpathy/llm.c, `dev/data/data_common.py` (write_datafile) and `llmc/dataloader.h` at 16635d4. Its loader wants
        one batch of tokens and one more in each file at least. It knows no documents.

    Cost:
        A copy of the tokens; memory holds a batch.
    """

    name: ClassVar[str] = "llm_c"

    token_type: TokenType = "uint16"  # noqa: S105 -- a type of numbers
    """uint16 for its GPT-2, uint32 for its Llama 3."""
    split: Literal["train", "val"] = "train"
    """What the trainer calls this part of the data."""

    @property
    def dtype(self) -> "np.dtype[np.integer]":
        """As asked for."""
        return dtype_of(self.token_type)

    def write_stream(self, chunks: Iterator[Chunk], folder: Path) -> None:
        """The header is written twice: its count is known at the end."""
        bound = 1 << 8 * self.dtype.itemsize
        num_tokens = 0
        with (folder / TOKENS_FILE).open("wb") as stream:
            stream.write(self._header(0))
            for chunk in chunks:
                write_tokens(stream, chunk.tokens, self.dtype, bound, "set token_type: uint32")
                num_tokens += len(chunk.tokens)
            if num_tokens > MAX_TOKENS:
                raise SchemaError(
                    f"{self.name}: expected at most {MAX_TOKENS} tokens in a file; found {num_tokens} in a shard; "
                    "write the token store in smaller shards"
                )
            stream.seek(0)
            stream.write(self._header(num_tokens))

    def _header(self, num_tokens: int) -> bytes:
        header = np.zeros(HEADER_NUMBERS, "<i4")
        header[:3] = (*KINDS[self.token_type], num_tokens)
        return header.tobytes()

    def tokens_in(self, folder: Path) -> int:
        """As the size and the header say."""
        header = np.fromfile(folder / TOKENS_FILE, "<i4", 3)
        if tuple(header[:2].tolist()) != KINDS[self.token_type]:
            raise OperatorError(f"{self.name}: expected a header of {self.token_type}; found {header[:2].tolist()}")
        return self.same(tokens=self.tokens_of(folder / TOKENS_FILE, HEADER_BYTES), header=int(header[2]))

    def dataset_name(self, shard: int, num_shards: int, file: str) -> str:  # noqa: ARG002
        """Numbered within the split."""
        return f"{self.split}_{shard:05d}{Path(file).suffix}"
