"""LitGPT's packed files."""

import json
import struct

import numpy as np
import pytest

from operators.formats.litgpt import LitGpt
from pipeline.errors import OperatorError, SchemaError
from tests.unit.operators.formats.streams import STREAM, store, tokens_in, write

HEADER_BYTES = 24


@pytest.mark.parametrize(("token_type", "code"), [("uint16", 8), ("int32", 4)])
def test_files_of_one_length_the_last_one_filled_up(token_type, code, tmp_path):
    operator = LitGpt(block_size=2, blocks_per_file=2, token_type=token_type, pad_token=9)
    files = write(operator, [store()], tmp_path / "shard")
    assert list(files) == ["0000000000.bin", "0000000001.bin", "0000000002.bin", "padding.json", "part.json"]
    stream = []
    for path in list(files.values())[:3]:
        raw = path.read_bytes()
        assert raw[:7] == b"LITPKDS"
        assert struct.unpack("<QBQ", raw[7:HEADER_BYTES]) == (1, code, 4)
        stream += tokens_in(path, token_type, HEADER_BYTES)
    assert stream == [*STREAM, 9, 9, 9]
    assert json.loads(files["padding.json"].read_bytes()) == {"num_padding": 3}
    assert operator.amount_in(tmp_path / "shard") == len(STREAM)


def test_a_stream_that_fills_its_last_file_has_no_padding(tmp_path):
    operator = LitGpt(block_size=3, blocks_per_file=3, pad_token=2)
    files = write(operator, [store()], tmp_path / "shard")
    assert tokens_in(files["0000000000.bin"], np.uint16, HEADER_BYTES) == STREAM
    assert operator.amount_in(tmp_path / "shard") == len(STREAM)


def test_other_ids_in_the_place_of_padding_are_refused(tmp_path):
    operator = LitGpt(block_size=4, blocks_per_file=1, pad_token=9)
    write(operator, [store()], tmp_path / "shard")
    (tmp_path / "shard" / "padding.json").write_text('{"num_padding": 4}')
    with pytest.raises(OperatorError, match=r"expected 4 ids 9 at the end of 0000000002.bin; found others"):
        operator.amount_in(tmp_path / "shard")


def test_a_file_of_another_length_is_refused(tmp_path):
    write(LitGpt(block_size=4, blocks_per_file=1, pad_token=9), [store()], tmp_path / "shard")
    with pytest.raises(OperatorError, match=r"and 8 ids in 0000000000.bin; found .* 4\)"):
        LitGpt(block_size=4, blocks_per_file=2, pad_token=9).amount_in(tmp_path / "shard")


def test_an_id_that_does_not_fit_is_refused(tmp_path):
    with pytest.raises(SchemaError, match="expected ids below 65536; found 70000; set token_type: int32"):
        write(LitGpt(pad_token=0), [store([[1, 70_000]])], tmp_path / "shard")


def test_names_sort_in_the_stream_s_order():
    names = [LitGpt(pad_token=0).dataset_name(shard, 20, f"{n:010d}.bin") for shard in (0, 1, 10) for n in (0, 2, 10)]
    assert names == sorted(names)
