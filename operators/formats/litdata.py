"""litdata's chunks of tokens, as its StreamingDataset reads them with a TokensLoader."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Final, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from operators.formats.token_runs import Run, runs
from operators.formats.token_stream import TokenStream
from operators.formats.tokens import Chunk, write_tokens
from pipeline.format_writer import Part

DATA_FORMATS: Final = {"uint16": "no_header_tensor:20", "int32": "no_header_tensor:15"}
"""litdata's names of tensors of one dimension, after its numbers of torch's types (`litdata/constants.py`)."""
DATA_SPEC: Final = json.dumps([1, {"type": None, "context": None, "children_spec": []}])
"""A sample is one tensor, in torch's notation of nested structures."""
INDEX_FILE: Final = "index.json"

_OFFSET_BYTES: Final = 4
"""A chunk begins with the number of its items and one offset more than it has items, each a uint32."""


class LitData(TokenStream):
    """`chunk-0-00000.bin` and so on for each shard, and `index.json`: what LitGPT's current versions train on.

    A chunk is `blocks_per_file` blocks of `block_size` ids, the last one of a shard what is left. So
    `StreamingDataset(DATASET, item_loader=TokensLoader(block_size))` gives the stream block by block. The loader reads
    whole blocks of a chunk and no more: with this block size it leaves out less than one block at each shard's end,
    with another one something of every chunk.

    Columns:
        reads tokens and num_tokens; over packed rows with `flatten`, input_ids and num_tokens. Each document is an item
        of its chunk; one that the end of a chunk cuts is an item of either.

    Determinism:
        EXACT. The index has no time of writing.

    Raises:
        PlanError: packed rows without `flatten`.
        SchemaError: an id does not fit `token_type`, or a row has no tokens.

    Source:
        litdata 0.2.76, which reads these files back in our tests: `streaming/writer.py` for the layout of chunks and
        index, `streaming/item_loader.py` for what is read of them. Its own writer closes a chunk before the document
        that would pass the limit, so that its loader leaves out some of every chunk.

    Cost:
        A copy of the tokens. Memory holds a batch and one chunk.
    """

    name: ClassVar[str] = "litdata"

    block_size: int = Field(default=2049, ge=1)
    """Ids that the trainer reads at once: its context, and one more for the last target."""
    blocks_per_file: int = Field(default=8192, ge=1)
    """LitGPT's own choice for TinyLlama's data."""
    token_type: Literal["uint16", "int32"] = "uint16"  # noqa: S105 -- a type of numbers
    """How ids are stored; the index says it."""

    @model_validator(mode="after")
    def _offsets_fit(self) -> Self:
        """Even if each document had one token."""
        most = (self.dtype.itemsize + _OFFSET_BYTES) * self.ids_per_file + 2 * _OFFSET_BYTES
        if most >= 1 << 32:
            raise ValueError(
                f"expected block_size x blocks_per_file to keep a chunk below 4 GiB, since its offsets have 32 bits; "
                f"found {self.ids_per_file} ids; use fewer blocks"
            )
        return self

    @property
    def ids_per_file(self) -> int:
        """Of every chunk but a shard's last."""
        return self.block_size * self.blocks_per_file

    @property
    def dtype(self) -> "np.dtype[np.integer]":
        """As asked for."""
        return np.dtype(self.token_type)

    def write_stream(self, chunks: Iterator[Chunk], folder: Path) -> None:
        """File after file."""
        for number, run in enumerate(runs(chunks, self.ids_per_file)):
            self._write(run, folder / f"{number:05d}.bin")

    def _write(self, run: Run, path: Path) -> None:
        offsets = np.zeros(len(run.lengths) + 1, np.int64)  # (D + 1,)
        np.cumsum(run.lengths * self.dtype.itemsize, out=offsets[1:])
        offsets += _OFFSET_BYTES * (1 + len(offsets))
        with path.open("wb") as stream:
            stream.write(np.array([len(run.lengths), *offsets], "<u4").tobytes())
            write_tokens(stream, run.tokens, self.dtype, 1 + np.iinfo(self.dtype).max, "set token_type: int32")

    def tokens_in(self, folder: Path) -> int:
        """As the sizes of the files and the offsets of their items say, which must agree."""
        return sum(self._tokens_of_chunk(path) for path in folder.glob("*.bin"))

    def _tokens_of_chunk(self, path: Path) -> int:
        with path.open("rb") as stream:
            num_items = int(np.fromfile(stream, "<u4", 1)[0])
            offsets = np.fromfile(stream, "<u4", num_items + 1).astype(np.int64)
        by_offsets = self.whole(path, int(offsets[-1] - offsets[0]), self.dtype.itemsize)
        return self.same(offsets=by_offsets, size=self.tokens_of(path, int(offsets[0])))

    def dataset_name(self, shard: int, num_shards: int, file: str) -> str:  # noqa: ARG002
        """As litdata names the chunks of a worker."""
        return f"chunk-{shard}-{file}"

    def index(self, parts: Sequence[Part]) -> Mapping[str, bytes]:
        """dataset.json, and index.json as litdata reads it."""
        chunks = [entry for part in parts for entry in self._entries(part)]
        config = {
            "chunk_bytes": None,
            "chunk_size": self.ids_per_file,
            "compression": None,
            "data_format": [DATA_FORMATS[self.token_type]],
            "data_spec": DATA_SPEC,
            "encryption": None,
            "item_loader": "TokensLoader",
        }
        index = json.dumps({"chunks": chunks, "config": config}, sort_keys=True)
        return {**super().index(parts), INDEX_FILE: index.encode()}

    def _entries(self, part: Part) -> Iterator[dict[str, Any]]:  # Any: JSON
        """What the index says of a shard's chunks: all are full but the last."""
        left = part.amount
        for file in part.files:
            num_tokens = min(left, self.ids_per_file)
            num_offsets = (file.num_bytes - num_tokens * self.dtype.itemsize) // _OFFSET_BYTES
            yield {
                "chunk_bytes": file.num_bytes,
                "chunk_size": num_offsets - 2,
                "dim": num_tokens,
                "filename": file.dataset_name,
            }
            left -= num_tokens
