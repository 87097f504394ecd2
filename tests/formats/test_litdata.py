"""litdata's chunks, read block by block with its StreamingDataset."""

import shutil

import numpy as np
import pytest

litdata = pytest.importorskip("litdata", reason="litdata is in the environment of `make formats`")

BLOCK_SIZE = 65


@pytest.mark.parametrize("step", ["litdata", "litdata_int32"])
def test_blocks_are_the_stream_but_less_than_one_at_each_shard_s_end(step, folder, expected, tmp_path):
    copy = shutil.copytree(folder(step), tmp_path / "dataset")
    dataset = litdata.StreamingDataset(str(copy), item_loader=litdata.TokensLoader(BLOCK_SIZE))
    found = [dataset[number].numpy() for number in range(len(dataset))]
    blocks, start = [], 0
    for num_tokens in expected["shard_tokens"].tolist():
        whole = num_tokens // BLOCK_SIZE * BLOCK_SIZE
        blocks.append(expected["tokens"][start : start + whole].reshape(-1, BLOCK_SIZE))
        start += num_tokens
    assert len(blocks) > 1
    np.testing.assert_array_equal(np.stack(found), np.concatenate(blocks))


def test_items_are_documents_and_parts_of_those_that_chunks_cut(folder, expected):
    items = []
    for chunk in litdata.utilities.dataset_utilities.load_index_file(str(folder("litdata")))["chunks"]:
        header = np.fromfile(folder("litdata") / chunk["filename"], np.uint32, chunk["chunk_size"] + 2)
        items += np.diff(header[1:].astype(np.int64) // 2).tolist()
    ends = np.cumsum(items)
    assert set(np.cumsum(expected["lengths"]).tolist()) <= set(ends.tolist())
    assert ends[-1] == len(expected["tokens"])
