"""Parquet rows, read with Hugging Face `datasets` and with pyarrow."""

import numpy as np
import pytest

datasets_package = pytest.importorskip("datasets", reason="datasets is in the environment of `make formats`")
pq = pytest.importorskip("pyarrow.parquet", reason="pyarrow is in the environment of `make formats`")


def rows_of(step, dataset):
    """The rows of a step's artifact in the run that wrote `dataset`, shard by shard."""
    (data,) = dataset.parents[1].glob(f"{step}-*/data")
    return [row for file in sorted(data.glob("*.parquet")) for row in pq.read_table(file).to_pylist()]


@pytest.mark.parametrize(("step", "base"), [("parquet_rows", "packed"), ("parquet_documents", "tokens")])
def test_datasets_finds_every_column_of_every_row(step, base, folder, tmp_path):
    for arguments in ({"path": str(folder(step))}, {"path": "parquet", "data_dir": str(folder(step))}):
        found = datasets_package.load_dataset(**arguments, split="train", cache_dir=str(tmp_path / "cache"))
        assert found.to_list() == rows_of(base, folder(step))


def test_lists_of_one_length_stay_so(folder, tmp_path):
    found = datasets_package.load_dataset(str(folder("parquet_rows")), split="train", cache_dir=str(tmp_path))
    assert found.features["input_ids"] == datasets_package.List(datasets_package.Value("uint32"), length=512)


def test_own_tokens_are_the_stream_of_the_packed_rows(folder, expected):
    table = pq.read_table(folder("parquet_rows") / "data")
    own = [row["input_ids"][: row["num_tokens"]] for row in table.to_pylist()]
    np.testing.assert_array_equal(np.concatenate(own), expected["flat"])
