"""The operator kind that ends a step in the files of a trainer's format, and what such files are described by."""

from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from pipeline.operator import Operator

PART_NAME: Final = "part.json"
"""A small JSON object that a writer may leave beside a shard's files, for `index`. It is no file of the dataset."""

WriteFunction = Callable[[Iterator[pa.RecordBatch], Path], None]
"""Takes the batches of one shard in order, and an empty folder; leaves the shard's files there, or none where a trainer
has nothing to read of it."""


@dataclass(frozen=True, slots=True)
class PartFile:
    """One file that the writer left for a shard."""

    name: str
    """What the writer called it."""
    dataset_name: str
    """Its path in the dataset."""
    num_bytes: int
    digest: str
    """xxh3-64 of the file's bytes, in hex."""


@dataclass(frozen=True, slots=True)
class Part:
    """What the writer left for one shard."""

    shard: int
    files: tuple[PartFile, ...]
    """By name."""
    num_rows: int
    """Rows that the writer was given."""
    amount: int
    """What the files hold of the column that the writer conserves: tokens."""
    facts: Mapping[str, Any]  # Any: JSON
    """What it left as `PART_NAME`; empty if it left none."""


class FormatWriter(Operator):
    """Writes the rows of each shard as files that a trainer reads; the last operator of its step.

    The files of all shards, under names of their own, and those of `index` are one dataset. Memory must not grow with
    the shard. How the rows are cut into batches must change no byte, and neither the shard's number nor how many there
    are may reach the files: only their names.
    """

    @abstractmethod
    def output_schema(self, given: pa.Schema) -> pa.Schema:
        """The columns of rows of schema `given` that the files hold. The function gets these, in this order.

        Raises:
            SchemaError: a column is missing, or of a type that the format does not have.
            PlanError: the format cannot hold such rows.
        """

    @abstractmethod
    def open(self) -> WriteFunction:
        """Loads what is needed on the worker, once, and returns the function."""

    @abstractmethod
    def conserves(self) -> str:
        """The column whose sum over the rows must be found again in the files."""

    @abstractmethod
    def amount_in(self, folder: Path) -> int:
        """What a shard's files hold of it, read from their headers and sizes and not remembered from writing."""

    @abstractmethod
    def dataset_name(self, shard: int, num_shards: int, file: str) -> str:
        """Where the dataset has the file that the function left as `file` for a shard: a relative path with `/`."""

    def index(self, parts: Sequence[Part]) -> Mapping[str, bytes]:  # noqa: ARG002 -- not every format has one
        """Small files of the whole dataset by path, made from what is known of its shards."""
        return {}
