"""Megatron's index, byte for byte."""

import struct

import pytest

from operators.formats.megatron import Megatron
from pipeline.errors import OperatorError
from tests.unit.operators.formats.streams import store, write


def test_the_index_byte_for_byte(tmp_path):
    files = write(Megatron(vocab_size=65_499), [store()], tmp_path / "shard")
    assert files["tokens.idx"].read_bytes() == b"".join(
        [
            b"MMIDIDX\x00\x00",
            struct.pack("<QBQQ", 1, 8, 3, 4),
            struct.pack("<3i", 3, 2, 4),
            struct.pack("<3q", 0, 6, 10),
            struct.pack("<4q", 0, 1, 2, 3),
        ]
    )


def test_large_vocabularies_are_stored_as_int32(tmp_path):
    files = write(Megatron(vocab_size=65_500), [store()], tmp_path / "shard")
    assert files["tokens.idx"].read_bytes()[17] == 4
    assert files["tokens.idx"].read_bytes()[46:70] == struct.pack("<3q", 0, 12, 20)


def test_another_index_is_refused(tmp_path):
    write(Megatron(vocab_size=65_500), [store()], tmp_path / "shard")
    with pytest.raises(OperatorError, match="expected an index of uint16; found another header"):
        Megatron(vocab_size=100).tokens_in(tmp_path / "shard")


def test_a_pair_of_files_has_one_prefix():
    writer = Megatron(vocab_size=9)
    assert [writer.dataset_name(7, 9, file) for file in ("tokens.bin", "tokens.idx")] == [
        "tokens_00007.bin", "tokens_00007.idx",
    ]  # fmt: skip
