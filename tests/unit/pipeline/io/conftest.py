"""Small input files, and reading them whole."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pytest

from pipeline.io.reading import ReadBatch, SplitReader, SplitSummary, source_schema
from pipeline.io.splits import Split, plan_input_shards
from pipeline.io.storage import InputFile, file_digest
from pipeline.plan.logical import Layout, Source


@dataclass(frozen=True)
class Read:
    """All that reading some splits gave."""

    batches: list[ReadBatch]
    summaries: list[SplitSummary]

    @property
    def documents(self) -> list[dict]:
        return [row for batch in self.batches for row in batch.documents.to_pylist()]

    @property
    def texts(self) -> list[str]:
        return [row["text"] for row in self.documents]

    @property
    def reasons(self) -> list[str]:
        return [rejected.reason.value for batch in self.batches for rejected in batch.rejected]

    @property
    def positions(self) -> list[int]:
        return [int(position) for batch in self.batches for position in batch.positions]


@pytest.fixture
def write_input(tmp_path: Path) -> Callable[..., InputFile]:
    def write(name: str, content: bytes) -> InputFile:
        path = tmp_path / name
        path.write_bytes(content)
        return InputFile("web", str(path), name, len(content), file_digest(str(path), len(content)))

    return write


@pytest.fixture
def read() -> Callable[..., Read]:
    """Reads splits of one source; files are planned as one split each."""

    def read_splits(
        parts: InputFile | list[Split], source: Source | None = None, schema: pa.Schema | None = None, **options: int
    ) -> Read:
        source = source or Source(paths=("*",))
        if isinstance(parts, InputFile):
            shards = plan_input_shards([parts], {"web": source}, Layout(shard_bytes=1 << 40))
            parts = [split for shard in shards for split in shard.splits]
        schema = schema or source_schema(source, [parts[0].file])
        readers = [SplitReader(split, source, schema, **options) for split in parts]
        batches = [batch for reader in readers for batch in reader.batches()]
        return Read(batches, [reader.summary for reader in readers])

    return read_splits
