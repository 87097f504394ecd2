"""litdata's chunks and their index."""

import itertools
import json

import numpy as np
import pytest
from pydantic import ValidationError

from operators.formats.litdata import LitData
from pipeline.errors import OperatorError, SchemaError
from pipeline.format_writer import PART_NAME, Part, PartFile
from tests.unit.operators.formats.streams import STREAM, store, write


def items(path, dtype):
    """The items of a chunk, by its offsets."""
    raw = path.read_bytes()
    (num_items,) = np.frombuffer(raw[:4], np.uint32)
    offsets = np.frombuffer(raw[4 : 8 + 4 * num_items], np.uint32)
    assert offsets[0] == 8 + 4 * num_items
    assert offsets[-1] == len(raw)
    return [np.frombuffer(raw[a:b], dtype).tolist() for a, b in itertools.pairwise(offsets)]


@pytest.mark.parametrize("token_type", ["uint16", "int32"])
def test_documents_are_items_and_chunks_end_at_blocks(token_type, tmp_path):
    operator = LitData(block_size=2, blocks_per_file=2, token_type=token_type)
    files = write(operator, [store()], tmp_path / "shard")
    assert list(files) == ["00000.bin", "00001.bin", "00002.bin", PART_NAME]
    assert items(files["00000.bin"], token_type) == [[5, 6, 2], [7]]
    assert items(files["00001.bin"], token_type) == [[2], [300, 301, 302]]
    assert items(files["00002.bin"], token_type) == [[2]]
    assert operator.amount_in(tmp_path / "shard") == len(STREAM)


def test_the_index_says_what_each_chunk_holds(tmp_path):
    operator = LitData(block_size=2, blocks_per_file=2)
    files = write(operator, [store()], tmp_path / "shard")
    named = tuple(
        PartFile(name, operator.dataset_name(3, 7, name), path.stat().st_size, "")
        for name, path in files.items()
        if name != PART_NAME
    )
    part = Part(3, named, 4, len(STREAM), json.loads(files[PART_NAME].read_bytes()))
    index = json.loads(operator.index([part])["index.json"])
    assert index["config"]["data_format"] == ["no_header_tensor:20"]
    assert index["config"]["item_loader"] == "TokensLoader"
    assert index["chunks"] == [
        {"chunk_bytes": 24, "chunk_size": 2, "dim": 4, "filename": "chunk-3-00000.bin"},
        {"chunk_bytes": 24, "chunk_size": 2, "dim": 4, "filename": "chunk-3-00001.bin"},
        {"chunk_bytes": 14, "chunk_size": 1, "dim": 1, "filename": "chunk-3-00002.bin"},
    ]


def test_offsets_that_contradict_a_file_s_size_are_refused(tmp_path):
    files = write(LitData(), [store()], tmp_path / "shard")
    with files["00000.bin"].open("ab") as stream:
        stream.write(b"\x00\x00")
    with pytest.raises(OperatorError, match=r"found {'offsets': 9, 'size': 10}"):
        LitData().amount_in(tmp_path / "shard")


def test_an_id_that_does_not_fit_is_refused(tmp_path):
    with pytest.raises(SchemaError, match="expected ids below 65536; found 70000; set token_type: int32"):
        write(LitData(), [store([[1, 70_000]])], tmp_path / "shard")


def test_a_chunk_whose_offsets_could_not_be_written_is_refused():
    with pytest.raises(ValidationError, match="keep a chunk below 4 GiB"):
        LitData(block_size=1 << 20, blocks_per_file=1 << 10)
