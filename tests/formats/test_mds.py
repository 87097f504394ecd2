"""MDS files, read row by row with MosaicML's StreamingDataset, and beside what its own MDSWriter makes of the rows."""

import json
import shutil
import sys
from importlib.machinery import ModuleSpec
from importlib.util import module_from_spec

import numpy as np
import pytest

pq = pytest.importorskip("pyarrow.parquet", reason="pyarrow is in the environment of `make formats`")


def import_streaming():
    """The package without its images: torchvision, which they need, does not load beside every torch."""
    names = ("torchvision", "torchvision.datasets", "torchvision.transforms", "torchvision.transforms.functional")
    modules = {name: module_from_spec(ModuleSpec(name, None)) for name in names}
    modules["torchvision.datasets"].VisionDataset = object
    modules["torchvision.transforms.functional"].to_tensor = None
    with pytest.MonkeyPatch.context() as patch:
        for name, module in modules.items():
            patch.setitem(sys.modules, name, module)
        return pytest.importorskip("streaming", reason="streaming is in the environment of `make formats`")


streaming = import_streaming()


def rows_of(step, dataset):
    """The rows of a step's artifact in the run that wrote `dataset`, shard by shard."""
    (data,) = dataset.parents[1].glob(f"{step}-*/data")
    return [row for file in sorted(data.glob("*.parquet")) for row in pq.read_table(file).to_pylist()]


def read(folder, copy):
    """All samples. Compressed files are unpacked beside themselves, so a copy is read."""
    streaming.base.util.clean_stale_shared_memory()
    dataset = streaming.StreamingDataset(local=str(shutil.copytree(folder, copy)), shuffle=False, batch_size=1)
    return [dataset[number] for number in range(len(dataset))]


def as_stored(sample):
    """A sample in the types of the rows: arrays as lists, ids cut apart."""
    row = {}
    for name, value in sample.items():
        if name == "doc_ids":
            row[name] = [value[begin : begin + 16] for begin in range(0, len(value), 16)]
        else:
            row[name] = value.tolist() if isinstance(value, np.ndarray | np.generic) else value
    return row


@pytest.mark.parametrize(("step", "base"), [("mds", "packed"), ("mds_zstd", "packed"), ("mds_documents", "tokens")])
def test_every_column_of_every_row(step, base, folder, tmp_path):
    found = [as_stored(sample) for sample in read(folder(step), tmp_path / "dataset")]
    rows = rows_of(base, folder(step))
    assert len(rows) > 100
    assert found == rows


def test_own_tokens_are_the_stream_of_the_packed_rows(folder, expected, tmp_path):
    samples = read(folder("mds"), tmp_path / "dataset")
    own = [sample["input_ids"][: sample["num_tokens"]] for sample in samples]
    np.testing.assert_array_equal(np.concatenate(own), expected["flat"])


@pytest.mark.parametrize("step", ["mds", "mds_zstd"])
def test_files_are_those_of_the_format_s_own_writer(step, folder, tmp_path):
    """Those of the first shard: our files begin anew with each."""
    entries = json.loads((folder(step) / "index.json").read_bytes())["shards"]
    first = [entry for entry in entries if entry["raw_data"]["basename"].startswith("shard.00000.")]
    columns = dict(zip(first[0]["column_names"], first[0]["column_encodings"], strict=True))
    settings = {"compression": first[0]["compression"], "size_limit": first[0]["size_limit"]}
    samples = read(folder(step), tmp_path / "dataset")[: sum(entry["samples"] for entry in first)]
    with streaming.MDSWriter(columns=columns, out=str(tmp_path / "theirs"), **settings) as writer:
        for sample in samples:
            writer.write(sample)
    theirs = json.loads((tmp_path / "theirs" / "index.json").read_bytes())["shards"]
    assert len(theirs) == len(first)
    for their_entry, entry in zip(theirs, first, strict=True):
        assert their_entry["samples"] == entry["samples"]
        their_raw = tmp_path / "dataset" / entry["raw_data"]["basename"]
        assert their_entry["raw_data"]["bytes"] == entry["raw_data"]["bytes"] == their_raw.stat().st_size
        if step == "mds":
            ours = (folder(step) / entry["raw_data"]["basename"]).read_bytes()
            assert (tmp_path / "theirs" / their_entry["raw_data"]["basename"]).read_bytes() == ours
