"""The exact bytes of an artifact: what "the same bytes out" rests on."""

import json
import re
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.golden.parquet.artifact import EXPECTED, SCHEMA, found_now, write_artifact
from tests.laws.examples import TEXTS

ROOT = Path(__file__).parents[3]
REFRESH = "run `python -m tests.golden.parquet.artifact` and commit expected.json"


def test_bytes_are_what_they_were():
    expected, found = json.loads(EXPECTED.read_text()), found_now()
    if found["pyarrow"] != expected["pyarrow"]:
        pytest.skip(f"bytes are kept for pyarrow {expected['pyarrow']}; installed is {found['pyarrow']}")
    assert found["writer_version"] == expected["writer_version"], f"the writer has a new version; {REFRESH}"
    assert found == expected, (
        f"equal rows give other bytes: raise WRITER_VERSION of pipeline/io/shard_file.py, then {REFRESH}"
    )


def test_the_bytes_are_kept_for_the_pyarrow_that_we_pin():
    """So that the test above skips for nobody who uses the lock file."""
    lock = ROOT / "constraints.txt"
    if not lock.exists():
        pytest.skip("constraints.txt is absent")
    pinned = re.search(r"^pyarrow==([^\s;]+)", lock.read_text(), re.MULTILINE)
    assert pinned is not None
    assert json.loads(EXPECTED.read_text())["pyarrow"] == pinned[1], f"pyarrow was raised: {REFRESH}"


def test_writing_twice_gives_the_same_bytes(tmp_path):
    for name in "ab":
        write_artifact(tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_the_artifact_is_worth_keeping(tmp_path):
    write_artifact(tmp_path / "a")
    with pq.ParquetFile(tmp_path / "a") as file:
        assert file.schema_arrow.equals(SCHEMA)
        assert file.metadata.num_row_groups > 4
        table = file.read()
    assert table["text"].to_pylist() == list(TEXTS) * 4
    for name in ("input_id", "metadata", "language", "minhash_buckets", "minhash", "seen"):
        assert table[name].null_count, name
    assert pa.types.is_fixed_size_binary(table["minhash"].type)
    assert pa.types.is_fixed_size_list(table["window"].type)
