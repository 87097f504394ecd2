"""What MAP-NEO's own code makes of texts, from tests/golden/map_neo."""

import io
import json
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pytest
import xxhash
import zstandard

ROOT = Path(__file__).parents[4]
GOLDEN = ROOT / "tests" / "golden" / "map_neo"
DATA = ROOT.parent / "shared" / "data" / "text"
SCHEMA = pa.schema([pa.field("text", pa.large_string(), nullable=False)])


def batch_of(texts):
    return pa.record_batch([pa.array(texts, pa.large_string())], schema=SCHEMA)


def edited(operator, texts):
    return operator.open()(batch_of(texts)).columns.column(0).to_pylist()


def golden_rows():
    with (GOLDEN / "expected.jsonl").open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def golden_documents():
    """Real documents, and what was found, with digests for texts."""
    rows, texts = [], []
    for name, found in json.loads((GOLDEN / "documents.json").read_text()).items():
        if not (DATA / name).is_file():
            pytest.skip(f"expected documents at {DATA / name}; found none")
        with (DATA / name).open("rb") as file, zstandard.ZstdDecompressor().stream_reader(file) as stream:
            texts += [json.loads(line)["text"] for line in islice(io.TextIOWrapper(stream, "utf-8"), len(found))]
        rows += found
    return rows, texts


def digest(text):
    return xxhash.xxh64_hexdigest(text.encode())
