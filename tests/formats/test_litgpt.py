"""LitGPT's packed files, read as the published PackedDataset reads them: one length for all files of a list."""

import json
import struct

import numpy as np

DTYPES = {1: np.uint8, 2: np.int8, 3: np.int16, 4: np.int32, 5: np.int64, 6: np.float32, 7: np.float64, 8: np.uint16}
HEADER_BYTES = 24
BLOCK_SIZE = 65


def blocks(files):
    """Blocks of all files, whose type and number of ids are those of the first."""
    header = files[0].read_bytes()[:HEADER_BYTES]
    assert header[:7] == b"LITPKDS"
    version, code, num_ids = struct.unpack("<QBQ", header[7:])
    assert version == 1
    for file in files:
        for number in range(num_ids // BLOCK_SIZE):
            offset = HEADER_BYTES + number * BLOCK_SIZE * np.dtype(DTYPES[code]).itemsize
            yield np.fromfile(file, DTYPES[code], BLOCK_SIZE, offset=offset)


def test_blocks_are_the_stream_and_padding_at_each_shard_s_end(folder, expected):
    files = sorted(folder("litgpt").glob("*.bin"))
    read = list(blocks(files))
    assert {len(block) for block in read} == {BLOCK_SIZE}
    ids, start = np.concatenate(read), 0
    parts = []
    for note in sorted(folder("litgpt").glob("*_padding.json")):
        prefix = note.name.removesuffix("padding.json")
        num_ids = sum((file.stat().st_size - HEADER_BYTES) // 2 for file in files if file.name.startswith(prefix))
        num_padding = json.loads(note.read_bytes())["num_padding"]
        parts.append(ids[start : start + num_ids - num_padding])
        assert (ids[start + num_ids - num_padding : start + num_ids] == 0).all()
        start += num_ids
    assert start == len(ids)
    assert [len(part) for part in parts] == expected["shard_tokens"].tolist()
    np.testing.assert_array_equal(np.concatenate(parts), expected["tokens"])
