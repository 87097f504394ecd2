"""nanoGPT's and llm.c's files, read from their published layout; and what manifests count."""

import json

import numpy as np

HEADER_BYTES = 1024


def nanogpt_data(path):
    """As nanoGPT's get_batch maps it."""
    return np.memmap(path, dtype=np.uint16, mode="r")


def llm_c_shards(folder, pattern, magic, version, dtype):
    """As llm.c's dataloader opens every file of a pattern, by name, and checks its header against its size."""
    for path in sorted(folder.glob(pattern)):
        header = np.fromfile(path, np.int32, 256)
        assert header[:2].tolist() == [magic, version]
        assert path.stat().st_size == HEADER_BYTES + header[2] * dtype().itemsize
        yield np.fromfile(path, dtype, offset=HEADER_BYTES)


def test_nanogpt_parts_are_one_file_when_joined(folder, expected, tmp_path):
    parts = sorted(folder("nanogpt").glob("train_*.bin"))
    assert len(parts) == len(expected["shard_tokens"]) > 1
    joined = tmp_path / "train.bin"
    joined.write_bytes(b"".join(part.read_bytes() for part in parts))
    np.testing.assert_array_equal(nanogpt_data(joined), expected["tokens"])


def test_llm_c_reads_every_shard(folder, expected):
    gpt2 = list(llm_c_shards(folder("llm_c"), "train_*.bin", 20240520, 1, np.uint16))
    llama = list(llm_c_shards(folder("llm_c_uint32"), "val_*.bin", 20240801, 7, np.uint32))
    np.testing.assert_array_equal(np.concatenate(gpt2), expected["tokens"])
    np.testing.assert_array_equal(np.concatenate(llama), expected["tokens"])
    assert [len(tokens) for tokens in llama] == expected["shard_tokens"].tolist()


def test_manifests_and_listings_count_the_tokens_of_the_store(datasets, folder, expected):
    for step, dataset in datasets.items():
        assert dataset["tokens"] == len(expected["tokens"]), step
        path = folder(step) / "dataset.json"
        if path.exists():
            listing = json.loads(path.read_text())
            assert listing["tokens"] == len(expected["tokens"])
            assert sum(shard["tokens"] for shard in listing["shards"]) == listing["tokens"]
            names = {name for shard in listing["shards"] for name in shard["files"]}
            files = {found.relative_to(folder(step)).as_posix() for found in folder(step).rglob("*.*")}
            assert names == files - {"dataset.json", "index.json"}
