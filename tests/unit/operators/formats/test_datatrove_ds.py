"""datatrove's files beside the tokens."""

import struct

import pytest

from operators.formats.datatrove_ds import DatatroveDs, _rounded
from tests.unit.operators.formats.streams import packed, store, write


def test_ends_of_documents_and_the_note(tmp_path):
    batch = store()
    files = write(DatatroveDs(tokenizer_name="gpt2"), [batch.slice(0, 3), batch.slice(3)], tmp_path / "shard")
    assert list(files) == ["part.json", "tokens.ds", "tokens.ds.index", "tokens.ds.metadata"]
    assert files["tokens.ds.index"].read_bytes() == struct.pack("<3Q", 3, 5, 9)
    assert files["tokens.ds.metadata"].read_text() == "gpt2|2\n9\n9 T"


def test_the_loss_of_packed_rows_is_a_byte_a_token(tmp_path):
    writer = DatatroveDs(flatten=True)
    files = write(writer, [packed([[5, 6, 9], [7, 0, 0]], [2, 1])], tmp_path / "shard")
    assert files["tokens.ds.loss"].read_bytes() == bytes([0, 1, 0])
    assert "tokens.ds.loss" not in write(writer, [packed([[5, 6, 9]], [2], with_loss=False)], tmp_path / "without")


def test_the_shard_stands_before_the_suffixes():
    names = [DatatroveDs().dataset_name(3, 9, file) for file in ("tokens.ds", "tokens.ds.index", "tokens.ds.loss")]
    assert names == ["tokens_00003.ds", "tokens_00003.ds.index", "tokens_00003.ds.loss"]


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 "), (999, "999 "), (1000, "1 K"), (1_234_567, "1.23 M"), (10**18, "1e+03 P")]
)
def test_counts_for_people(count, text):
    assert _rounded(count) == text
