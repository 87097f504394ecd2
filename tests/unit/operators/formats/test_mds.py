"""MDS files and their index."""

import itertools
import json

import numpy as np
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from operators.formats.mds import Mds
from operators.formats.mds_columns import Encodings, samples
from pipeline.format_writer import PART_NAME, Part, PartFile
from tests.unit.operators.formats.streams import packed, store, write

LIMIT = 1 << 12


def read(raw):
    """A file's configuration and its samples."""
    (num_samples,) = np.frombuffer(raw[:4], np.uint32)
    end = 4 + 4 * (num_samples + 1)
    offsets = np.frombuffer(raw[4:end], np.uint32)
    assert offsets[-1] == len(raw)
    return json.loads(raw[end : offsets[0]]), [raw[a:b] for a, b in itertools.pairwise(offsets)]


def expected_samples(batch):
    data, offsets = samples(batch, Encodings.of(batch.schema))
    return [data[a:b].tobytes() for a, b in itertools.pairwise(offsets)]


@settings(deadline=None, max_examples=30)
@given(lengths=st.lists(st.integers(0, 1500), min_size=1, max_size=20), cut=st.integers(1, 20))
def test_files_hold_the_rows_up_to_the_limit_however_they_come(lengths, cut, tmp_path_factory):
    folder = tmp_path_factory.mktemp("shard")
    batch = store([list(range(length)) for length in lengths])
    operator = Mds(max_file_bytes=LIMIT)
    batches = [batch.slice(begin, cut) for begin in range(0, len(batch), cut)]
    files = write(operator, batches, folder / "shard")
    facts = json.loads(files.pop(PART_NAME).read_bytes())
    found, sizes = [], []
    for name, path in files.items():
        config, inside = read(path.read_bytes())
        assert config["column_names"] == facts["columns"]["column_names"] == sorted(batch.schema.names)
        assert facts["files"][name] == {"samples": len(inside), "raw_bytes": path.stat().st_size}
        assert path.stat().st_size <= LIMIT or len(inside) == 1
        found += inside
        sizes.append(path.stat().st_size)
    assert found == expected_samples(batch)
    first = [len(read(path.read_bytes())[1][0]) + 4 for path in files.values()]
    assert all(size + more > LIMIT for size, more in zip(sizes, first[1:], strict=False))
    assert operator.amount_in(folder / "shard") == sum(lengths)


def test_compressed_files_are_the_same_files(tmp_path):
    plain = write(Mds(), [store()], tmp_path / "plain")
    zipped = write(Mds(zstd_level=3), [store()], tmp_path / "zipped")
    raw = zstandard.ZstdDecompressor().decompress(zipped["00000.mds.zstd"].read_bytes())
    config, inside = read(raw)
    assert config.pop("compression") == "zstd:3"
    plain_config, plain_inside = read(plain["00000.mds"].read_bytes())
    assert plain_config.pop("compression") is None
    assert (config, inside) == (plain_config, plain_inside)
    assert Mds(zstd_level=3).amount_in(tmp_path / "zipped") == 9


def test_packed_rows_are_arrays_of_their_length(tmp_path):
    rows = packed([[1, 2, 3], [4, 5, 6]], [3, 2])
    config, inside = read(write(Mds(), [rows], tmp_path / "shard")["00000.mds"].read_bytes())
    encodings = dict(zip(config["column_names"], config["column_encodings"], strict=True))
    assert encodings == {
        "input_ids": "ndarray:uint32:3",
        "loss_mask": "ndarray:uint8:3",
        "num_tokens": "int64",
        "segment_ids": "ndarray:int32:3",
    }
    assert [np.frombuffer(sample[:12], np.uint32).tolist() for sample in inside] == [[1, 2, 3], [4, 5, 6]]


@pytest.mark.parametrize("level", [None, 3])
def test_the_index_says_what_each_file_holds(level, tmp_path):
    operator = Mds(zstd_level=level)
    files = write(operator, [store()], tmp_path / "shard")
    facts = json.loads(files.pop(PART_NAME).read_bytes())
    ((name, path),) = files.items()
    size = path.stat().st_size
    part = Part(3, (PartFile(name, operator.dataset_name(3, 9, name), size, ""),), 4, 9, facts)
    index = json.loads(operator.index([part])["index.json"])
    (entry,) = index["shards"]
    assert index["version"] == entry["version"] == 2
    assert entry["samples"] == 4
    assert entry["raw_data"] == {
        "basename": "shard.00003.00000.mds",
        "bytes": facts["files"][name]["raw_bytes"],
        "hashes": {},
    }
    zipped = {"basename": "shard.00003.00000.mds.zstd", "bytes": size, "hashes": {}}
    assert entry["zip_data"] == (None if level is None else zipped)
    assert entry["compression"] == (None if level is None else "zstd:3")
