import gzip
import json
import pickle
from pathlib import Path

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.document import CORE_FIELDS, METADATA_FIELD
from pipeline.errors import PlanError, SchemaError, StorageError
from pipeline.io.damage import DamageReason
from pipeline.io.read_batch import Damage, Rejected, RejectReason, SplitSummary
from pipeline.io.reading import SplitReader, read_record, source_schema
from pipeline.io.splits import plan_input_shards
from pipeline.io.storage import list_inputs
from pipeline.plan.logical import Layout, Source

PLAIN = Source(paths=("*",))
REAL_DOCUMENTS = Path("../shared/data/text/peps")


def parquet(columns):
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table(columns), sink)
    return sink.getvalue().to_pybytes()


def test_schema_of_jsonl(write_input):
    source = Source(paths=("*",), columns={"year": "int64", "url": "string"})
    expected = [*CORE_FIELDS, pa.field("year", pa.int64()), pa.field("url", pa.large_string()), METADATA_FIELD]
    assert source_schema(source, [write_input("a.jsonl", b"")]) == pa.schema(expected)


def test_schema_of_parquet_is_that_of_all_footers(write_input):
    first = write_input("a.parquet", parquet({"text": ["a"], "n": [1], "m": ["x"]}))
    same = write_input(
        "b.parquet", parquet({"m": ["x"], "id": ["i"], "n": [1], "text": pa.array(["a"], pa.large_string())})
    )
    broken = write_input("c.parquet", b"PAR1")
    schema = source_schema(PLAIN, [broken, first, same])
    assert schema == pa.schema([*CORE_FIELDS, ("n", pa.int64()), ("m", pa.large_string())])
    with pytest.raises(StorageError, match=r"c\.parquet.*expected a Parquet footer"):
        source_schema(PLAIN, [broken])


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (
            {"text": ["a"], "n": [1.5]},
            r"b\.parquet': column 'n': expected int64; found double; the first file is '.*a\.par",
        ),
        ({"text": ["a"]}, r"b\.parquet': expected column 'n' \(int64\); found none"),
        ({"text": ["a"], "n": [1], "z": [1]}, r"b\.parquet': expected no column 'z'; found int64"),
        ({"n": [1]}, r"b\.parquet': expected columns \['text'\]"),
    ],
)
def test_footers_that_disagree(write_input, columns, message):
    files = [
        write_input("a.parquet", parquet({"text": ["a"], "n": [1]})),
        write_input("b.parquet", parquet(columns)),
    ]
    with pytest.raises(SchemaError, match=message):
        source_schema(PLAIN, files)


def test_the_recipe_casts_where_footers_disagree(write_input, read):
    source = Source(paths=("*",), columns={"n": "float64"})
    files = [
        write_input("a.parquet", parquet({"text": ["a"], "n": [1]})),
        write_input("b.parquet", parquet({"text": ["b"], "n": [1.5]})),
    ]
    schema = source_schema(source, files)
    rows = [row for file in files for row in read(file, source, schema).documents]
    assert [row["n"] for row in rows] == [1.0, 1.5]


def test_formats_are_not_mixed(write_input):
    files = [write_input("a.jsonl", b""), write_input("b.parquet", parquet({"text": ["a"]}))]
    with pytest.raises(PlanError, match=r"'jsonl': 'a\.jsonl', 'parquet': 'b\.parquet'"):
        source_schema(PLAIN, files)


@pytest.mark.parametrize("shard_bytes", [1024, 1500, 4096, 1 << 20])
def test_documents_do_not_depend_on_shards(write_input, read, shard_bytes):
    lines = [json.dumps({"text": "x" * (n * 37 % 300), "id": n}).encode() + b"\n" for n in range(200)]
    contents = [lines[:3], lines[3:150], lines[150:151], [], lines[151:]]
    names = ["a.jsonl", "b.jsonl", "c.jsonl.gz", "d.jsonl", "e.jsonl"]
    files = [
        write_input(name, gzip.compress(b"".join(part)) if name.endswith("gz") else b"".join(part))
        for name, part in zip(names, contents, strict=True)
    ]
    shards = plan_input_shards(files, {"web": PLAIN}, Layout(shard_bytes=shard_bytes))
    found = read([split for shard in shards for split in shard.splits])
    assert [row["input_id"] for row in found.documents] == [str(n) for n in range(200)]
    assert found.documents == [row for file in files for row in read(file).documents]


def test_reads_fsspec_paths(tmp_path, read):
    filesystem = fsspec.filesystem("memory")
    filesystem.pipe_file("/in/a.jsonl", b'{"text":"a"}\n{"text":"b"}\n' * 200)
    filesystem.pipe_file("/in/b.jsonl.gz", gzip.compress(b'{"text":"c"}\n'))
    filesystem.pipe_file("/in/c.parquet", parquet({"text": ["d"]}))
    try:
        for pattern, expected in (("*.jsonl*", ["a", "b"] * 200 + ["c"]), ("*.parquet", ["d"])):
            source = Source(paths=(f"memory://in/{pattern}",))
            files = list_inputs("web", source, tmp_path)
            shards = plan_input_shards(files, {"web": source}, Layout(shard_bytes=1024))
            assert read([split for shard in shards for split in shard.splits], source).texts == expected
        assert read_record("memory:///in/a.jsonl", "jsonl", 13, 100, 200) == {"text": "b"}
        assert read_record("memory:///in/c.parquet", "parquet", 0, 100, 200) == {"text": "d"}
    finally:
        filesystem.rm("/in", recursive=True)


def test_a_summary_needs_all_batches(write_input):
    file = write_input("a.jsonl", b'{"text":"a"}\n')
    (shard,) = plan_input_shards([file], {"web": PLAIN}, Layout())
    reader = SplitReader(shard.splits[0], PLAIN, source_schema(PLAIN, [file]))
    with pytest.raises(AssertionError, match="exhausted"):
        _ = reader.summary
    assert len(list(reader.batches())) == 1
    assert reader.summary.num_records == 1


def test_what_travels_between_processes_is_picklable(write_input):
    file = write_input("a.jsonl", b'{"text":"a"}\n' * 1000)
    shards = plan_input_shards([file], {"web": PLAIN}, Layout(shard_bytes=1024))
    damage = Damage(1, DamageReason.CORRUPT, 2)
    values = (shards, SplitSummary(1, 2, "3", 4, damage), Rejected(1, 2, RejectReason.NO_TEXT, "d"))
    assert pickle.loads(pickle.dumps(values)) == values


def test_real_documents(read):
    if not REAL_DOCUMENTS.is_dir():
        pytest.skip("needs ../shared/data/text, which is not part of the repository")
    source = Source(paths=("*.jsonl.zst",))
    files = list_inputs("peps", source, REAL_DOCUMENTS)
    shards = plan_input_shards(files, {"peps": source}, Layout())
    found = read([split for shard in shards for split in shard.splits], source)
    stats = json.loads((REAL_DOCUMENTS / "_stats.json").read_text())
    assert found.reasons == []
    assert [summary.damaged for summary in found.summaries] == [None]
    assert len(found.documents) == stats["docs"]
    assert sum(len(text.encode()) for text in found.texts) == stats["text_bytes"]
    assert len({row["doc_id"] for row in found.documents}) == len(found.documents)
