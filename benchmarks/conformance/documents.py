"""The documents on which conformance is measured: 20,000 real ones in English, prose and markup-heavy pages."""

import random
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.real_text import documents

PROSE: Final = ("msdocs_en", "peps")
MARKUP: Final = ("php_docs", "powershell_docs")
"""Reference pages: option lists, tables, code."""
FOLDERS: Final = (*PROSE, *MARKUP)
SIZE: Final = 20_000
SEED: Final = 20261123
SCHEMA: Final = pa.schema([pa.field("id", pa.large_string()), pa.field("text", pa.large_string())])


def write_documents(path: Path, size: int = SIZE) -> None:
    """A Parquet file with `id` and `text`: a draw of `size` documents of all English ones. Kept if it is there."""
    if path.is_file() and pq.ParquetFile(path).metadata.num_rows == size:
        return
    found = [document for folder in FOLDERS for document in documents(folder, ("en",))]
    chosen = sorted(random.Random(SEED).sample(range(len(found)), size))  # noqa: S311 - a seeded draw, no secret
    columns = [
        pa.array([found[k].id for k in chosen], pa.large_string()),
        pa.array([found[k].text for k in chosen], pa.large_string()),
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns, SCHEMA), path, compression="zstd")
