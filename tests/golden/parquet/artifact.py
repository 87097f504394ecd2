"""One fixed artifact, written by the one writer: `python -m tests.golden.parquet.artifact` stores its digest."""

import json
import sys
import tempfile
from pathlib import Path

import pyarrow as pa
import xxhash

from pipeline.document import CORE_FIELDS, METADATA_FIELD
from pipeline.io.shard_file import WRITER_VERSION, RowGroups, ShardWriter
from tests.laws.examples import TEXTS, view

EXPECTED = Path(__file__).with_name("expected.json")

SCHEMA = pa.schema(
    [
        *CORE_FIELDS,
        METADATA_FIELD,
        pa.field("language", pa.large_string()),
        pa.field("language_score", pa.float32()),
        pa.field("num_chars", pa.int64()),
        pa.field("content_hash", pa.binary(16)),
        pa.field("minhash_buckets", pa.binary(8 * 4)),
        pa.field("minhash", pa.binary(2 * 8)),
        pa.field("tokens", pa.large_list(pa.uint32())),
        pa.field("seen", pa.bool_()),
        pa.field("window", pa.list_(pa.uint32(), 2)),
    ]
)
"""Every type that an artifact of ours has."""


def write_artifact(path: Path) -> None:
    """Writes the fixed rows four times over, in row groups of several sizes."""
    batch = view(TEXTS * 4)
    size = batch.num_rows
    extra = {
        "metadata": pa.array([None if row % 3 else '{"row": %d}' % row for row in range(size)], pa.large_string()),  # noqa: UP031
        "seen": pa.array([None if row % 5 == 4 else row % 2 == 0 for row in range(size)]),
        "window": pa.array([[row, row + 1] for row in range(size)], pa.list_(pa.uint32(), 2)),
    }
    columns = [extra[name] if name in extra else batch[name] for name in SCHEMA.names]
    with ShardWriter(path, SCHEMA, RowGroups(max_rows=20, max_bytes=8000, zstd_level=3)) as writer:
        writer.write(pa.RecordBatch.from_arrays(columns, schema=SCHEMA))


def found_now() -> dict[str, str | int]:
    """What expected.json should hold for this code and this pyarrow."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "artifact.parquet"
        write_artifact(path)
        data = path.read_bytes()
    return {
        "pyarrow": pa.__version__,
        "writer_version": WRITER_VERSION,
        "num_bytes": len(data),
        "digest": xxhash.xxh3_128_hexdigest(data),
    }


if __name__ == "__main__":
    EXPECTED.write_text(json.dumps(found_now(), indent=1) + "\n")
    sys.stdout.write(f"wrote {EXPECTED.name}\n")
