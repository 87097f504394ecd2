"""Megatron's indexed datasets, read with megatron-core."""

import numpy as np
import pytest

reader = pytest.importorskip(
    "megatron.core.datasets.indexed_dataset", reason="megatron-core is in the environment of `make formats`"
)


def prefixes(folder):
    return sorted(str(path.with_suffix("")) for path in folder.glob("*.idx"))


@pytest.mark.parametrize(("step", "dtype"), [("megatron", np.uint16), ("megatron_int32", np.int32)])
@pytest.mark.parametrize("mmap", [True, False])
def test_every_document_is_a_sequence(step, dtype, mmap, folder, expected):
    found = []
    for shard, prefix in enumerate(prefixes(folder(step))):
        dataset = reader.IndexedDataset(prefix, mmap=mmap)
        assert dataset.index.dtype is dtype
        assert dataset.document_indices.tolist() == list(range(len(dataset) + 1))
        assert dataset.sequence_lengths.sum() == expected["shard_tokens"][shard]
        # A copy: the reader closes its mapping when the dataset goes, whoever still looks at it.
        found += [np.array(dataset[number]) for number in range(len(dataset))]
    assert [len(document) for document in found] == expected["lengths"].tolist()
    np.testing.assert_array_equal(np.concatenate(found), expected["tokens"])


def test_a_part_of_a_document(folder, expected):
    dataset = reader.IndexedDataset(prefixes(folder("megatron"))[0])
    first = int(expected["lengths"][0])
    length = int(expected["lengths"][1])
    found = dataset.get(1, offset=2, length=length - 3)
    np.testing.assert_array_equal(found, expected["tokens"][first + 2 : first + length - 1])
