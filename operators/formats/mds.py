"""MosaicML Streaming's files of rows (MDS), as its StreamingDataset reads them."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Final

import numpy as np
import pyarrow as pa
import zstandard
from pydantic import Field

from operators.formats.mds_columns import SIZE_BYTES, Encodings, column_values, config_bytes, samples
from operators.formats.row_files import RowFiles
from operators.tokenize.tokenizer import NUM_TOKENS
from pipeline.errors import OperatorError
from pipeline.format_writer import PART_NAME, Part, WriteFunction
from pipeline.kernel import Bytes, Offsets

INDEX_FILE: Final = "index.json"
SUFFIX: Final = ".mds"
ZSTD_SUFFIX: Final = ".zstd"

DEFAULT_FILE_BYTES: Final = 1 << 26
"""The limit that MDSWriter sets itself."""

_COUNT_BYTES: Final = 4
"""A file begins with the number of its samples."""


class Mds(RowFiles):
    """`shard.00000.00000.mds` and so on for each shard, with all columns, and `index.json` over all of them.

    `StreamingDataset(local=DATASET, shuffle=False)` gives the rows in their order. A file is closed before the row that
    would pass `max_file_bytes`.

    Columns:
        reads num_tokens (int64), and takes all others as they come, unless `columns` says which: numbers as scalars of
        their type, a list of fixed length as `ndarray:TYPE:LENGTH`, a list of any length as `ndarray:TYPE`, text as
        `str`, bytes as `bytes`, and a list of ids (doc_ids) as `bytes`, one id of 16 bytes after the other.

    Determinism:
        EXACT.

    Raises:
        SchemaError: a column has a type that MDS does not have, or a null.
        OperatorError: a row is too large for a file of this format, 4 GiB.

    Source:
        mosaicml-streaming 0.13.0, `streaming/base/format/mds`, which reads these files back in our tests. They hold the
        bytes that its MDSWriter writes for the same rows.

    Cost:
        A copy of the columns. Memory holds a batch and one file.
    """

    name: ClassVar[str] = "mds"

    max_file_bytes: int = Field(default=DEFAULT_FILE_BYTES, ge=1 << 12, lt=1 << 32)
    """Samples and what is stored with them, before compression. Offsets are 32 bits wide."""
    zstd_level: int | None = Field(default=None, ge=1, le=22)
    """None: not compressed."""

    def output_schema(self, given: pa.Schema) -> pa.Schema:
        """The columns that are asked for."""
        schema = super().output_schema(given)
        Encodings.of(schema)
        return schema

    def open(self) -> WriteFunction:
        """Returns the writer of one shard."""

        def write(batches: Iterator[pa.RecordBatch], folder: Path) -> None:
            files: _Files | None = None
            for batch in batches:
                if files is None:
                    encodings = Encodings.of(batch.schema)
                    files = _Files(folder, encodings, self)
                files.add(*samples(batch, encodings))
            if files is not None:
                files.close()

        return write

    @property
    def compression(self) -> str | None:
        """As the format names it."""
        return None if self.zstd_level is None else f"zstd:{self.zstd_level}"

    def amount_in(self, folder: Path) -> int:
        """The sum of the token counts of all samples."""
        return sum(_tokens_in(path) for path in sorted(folder.iterdir()) if path.name != PART_NAME)

    def dataset_name(self, shard: int, num_shards: int, file: str) -> str:  # noqa: ARG002
        """As MDSWriter names them, with a number for the shard and one for the file."""
        return f"shard.{shard:05d}.{file}"

    def index(self, parts: Sequence[Part]) -> Mapping[str, bytes]:
        """dataset.json, and index.json as StreamingDataset reads it."""
        shards = [entry for part in parts for entry in self._entries(part)]
        index = json.dumps({"shards": shards, "version": 2}, sort_keys=True)
        return {**super().index(parts), INDEX_FILE: index.encode()}

    def _entries(self, part: Part) -> Iterator[dict[str, Any]]:  # Any: JSON
        for file in part.files:
            fact = part.facts["files"][file.name]
            stored = {"basename": file.dataset_name, "bytes": file.num_bytes, "hashes": {}}
            raw = {**stored, "basename": file.dataset_name.removesuffix(ZSTD_SUFFIX), "bytes": fact["raw_bytes"]}
            yield {
                **part.facts["columns"],
                "compression": self.compression,
                "format": "mds",
                "hashes": [],
                "raw_data": raw,
                "samples": fact["samples"],
                "size_limit": self.max_file_bytes,
                "version": 2,
                "zip_data": stored if self.compression else None,
            }


class _Files:
    """The files of a shard, one after another."""

    def __init__(self, folder: Path, encodings: Encodings, operator: Mds) -> None:
        self._folder = folder
        self._columns = encodings.to_json()
        self._max_bytes = operator.max_file_bytes
        self._config = config_bytes(encodings, operator.compression, operator.max_file_bytes)
        self._zstd_level = operator.zstd_level
        self._facts: dict[str, dict[str, int]] = {}
        self._begin()

    def _begin(self) -> None:
        self._waiting: list[Bytes] = []
        self._sizes: list[Offsets] = []
        self._num_samples = 0
        self._num_bytes = _COUNT_BYTES + SIZE_BYTES + len(self._config)

    def add(self, data: Bytes, offsets: Offsets) -> None:
        """Appends samples; files that are full with them are written."""
        done = 0
        needed = np.diff(offsets) + SIZE_BYTES  # (R,)
        while done < len(needed):
            num_fit = int(np.searchsorted(self._num_bytes + np.cumsum(needed[done:]), self._max_bytes, side="right"))
            if num_fit == 0 and self._num_samples:
                self._write()
                continue
            end = done + max(1, num_fit)
            self._waiting.append(data[offsets[done] : offsets[end]])
            self._sizes.append(needed[done:end] - SIZE_BYTES)
            self._num_samples += end - done
            self._num_bytes += int(needed[done:end].sum())
            done = end

    def close(self) -> None:
        """Writes what waits, and what `index` must know."""
        if self._num_samples:
            self._write()
        if self._facts:
            facts = {"columns": self._columns, "files": self._facts}
            (self._folder / PART_NAME).write_text(json.dumps(facts) + "\n")

    def _write(self) -> None:
        if self._num_bytes >= 1 << 32:
            raise OperatorError(
                f"mds: expected rows of less than 4 GiB, since offsets in a file have 32 bits; found one of "
                f"{self._num_bytes} bytes; cut long documents, or use a smaller window"
            )
        begin = _COUNT_BYTES + SIZE_BYTES * (self._num_samples + 1) + len(self._config)
        offsets = np.zeros(self._num_samples + 1, np.int64)  # (R + 1,)
        np.cumsum(np.concatenate(self._sizes), out=offsets[1:])
        head = np.uint32(self._num_samples).tobytes() + (offsets + begin).astype(np.uint32).tobytes() + self._config
        data = np.concatenate([np.frombuffer(head, np.uint8), *self._waiting])  # (B,)
        name = f"{len(self._facts):05d}{SUFFIX}"
        if self._zstd_level is None:
            (self._folder / name).write_bytes(data.data)
        else:
            name += ZSTD_SUFFIX
            (self._folder / name).write_bytes(zstandard.ZstdCompressor(level=self._zstd_level).compress(data.data))
        self._facts[name] = {"samples": self._num_samples, "raw_bytes": self._num_bytes}
        self._begin()


def _tokens_in(path: Path) -> int:
    """The sum of the token counts that stand in a file's samples."""
    if path.suffix == ZSTD_SUFFIX:
        data = np.frombuffer(zstandard.ZstdDecompressor().decompress(path.read_bytes()), np.uint8)
    else:
        data = np.memmap(path, np.uint8, mode="r")
    num_samples = int(data[:_COUNT_BYTES].view(np.uint32)[0])
    bounds = data[_COUNT_BYTES : _COUNT_BYTES + SIZE_BYTES * (num_samples + 1)].view(np.uint32).astype(np.int64)
    config = json.loads(data[_COUNT_BYTES + SIZE_BYTES * (num_samples + 1) : bounds[0]].tobytes())
    return int(column_values(data, bounds, config, NUM_TOKENS).sum())
