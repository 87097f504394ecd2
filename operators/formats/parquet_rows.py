"""Parquet files in the folders and types that Hugging Face `datasets` reads."""

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pydantic import Field

from operators.formats.row_files import RowFiles
from operators.pack.packed_table import INPUT_IDS
from operators.tokenize.tokenizer import NUM_TOKENS, TOKENS
from pipeline.format_writer import WriteFunction

FILE: Final = "rows.parquet"

GROUP_TOKENS: Final = 1 << 22
"""Tokens of a row group, padding included: 52 MiB of packed columns in memory."""


class ParquetRows(RowFiles):
    """`data/train-00000-of-00008.parquet` and so on, a file for each shard, with all columns.

    `datasets.load_dataset("DATASET")`, `load_dataset("parquet", data_dir="DATASET")` and pyarrow read it.

    Columns:
        reads num_tokens (int64), and takes all others as they come, unless `columns` says which. Bytes of a fixed width
        (doc_id, doc_ids) become bytes of any width, since `datasets` knows no other; lists keep their lengths.

    Determinism:
        EXACT.

    Raises:
        nothing of its own.

    Source:
        `datasets` 5.0, `data_files.py`: how it finds the splits of a folder; `features/features.py`: its types.

    Cost:
        Compression, some 10 million tokens a second of packed rows; memory holds one row group and a batch.
    """

    name: ClassVar[str] = "parquet_rows"

    split: str = Field(default="train", pattern=r"^\w+$")
    """What `datasets` calls these rows."""
    zstd_level: int = Field(default=1, ge=1, le=22)

    def open(self) -> WriteFunction:
        """Returns the writing of one shard."""

        def write(batches: Iterator[pa.RecordBatch], folder: Path) -> None:
            writer: pq.ParquetWriter | None = None
            for group in _groups(batches):
                if writer is None:
                    schema = _readable_schema(group.schema)
                    writer = pq.ParquetWriter(
                        folder / FILE,
                        schema,
                        compression="zstd",
                        compression_level=self.zstd_level,
                        use_dictionary=_dictionaries(schema),
                        write_statistics=False,
                    )
                writer.write_table(group.cast(schema), row_group_size=group.num_rows)
            if writer is not None:
                writer.close()

        return write

    def amount_in(self, folder: Path) -> int:
        """The sum of the rows' token counts."""
        if not (folder / FILE).exists():
            return 0
        with pq.ParquetFile(folder / FILE) as file:
            return sum(int(pc.sum(batch[0]).as_py() or 0) for batch in file.iter_batches(columns=[NUM_TOKENS]))

    def dataset_name(self, shard: int, num_shards: int, file: str) -> str:  # noqa: ARG002
        """As `datasets` names the files of a split."""
        return f"data/{self.split}-{shard:05d}-of-{num_shards:05d}.parquet"


def _readable_schema(schema: pa.Schema) -> pa.Schema:
    """The types that `datasets` reads."""
    return pa.schema([field.with_type(_readable(field.type)) for field in schema])


def _readable(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_fixed_size_binary(kind):
        return pa.binary()
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        values = kind.value_field.with_type(_readable(kind.value_type))
        return pa.list_(values) if pa.types.is_list(kind) else pa.large_list(values)
    return kind


def _dictionaries(schema: pa.Schema) -> list[str]:
    """Paths of the columns that a dictionary shortens: text, and token ids.

    What counts up or stays within a row, as positions, segments and masks do, is as short without one, and written
    twice as fast.
    """
    text = [field.name for field in schema if pa.types.is_string(field.type) or pa.types.is_large_string(field.type)]
    return text + [f"{name}.list.element" for name in (INPUT_IDS, TOKENS) if name in schema.names]


def _groups(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.Table]:
    """The rows in row groups that depend on the rows alone: each ends before it would pass `GROUP_TOKENS`.

    The columns of a group are in one piece each, since where pieces end would show in the file.
    """
    waiting: list[pa.RecordBatch] = []
    num_waiting = 0
    for batch in batches:
        sizes = _sizes(batch)
        begin = 0
        while begin < len(sizes):
            num_fit = int(np.searchsorted(num_waiting + np.cumsum(sizes[begin:]), GROUP_TOKENS, side="right"))
            end = begin + (num_fit if num_fit or waiting else 1)
            if end > begin:
                waiting.append(batch.slice(begin, end - begin))
                num_waiting += int(sizes[begin:end].sum())
                begin = end
            if begin < len(sizes):
                yield pa.Table.from_batches(waiting).combine_chunks()
                waiting, num_waiting = [], 0
    if waiting:
        yield pa.Table.from_batches(waiting).combine_chunks()


def _sizes(batch: pa.RecordBatch) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """What each row counts in a row group: its ids with padding, and 1 for what stands beside them."""
    fixed = [field.type.list_size for field in batch.schema if pa.types.is_fixed_size_list(field.type)]
    tokens = np.full(len(batch), max(fixed), np.int64) if fixed else batch.column(NUM_TOKENS).to_numpy()
    sizes: np.ndarray[tuple[int], np.dtype[np.int64]] = tokens + 1
    return sizes
