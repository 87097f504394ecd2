"""What all streams share: what they read and refuse, empty shards, counts and dataset.json."""

import json

import pyarrow as pa
import pytest

from operators.formats.datatrove_ds import DatatroveDs
from operators.formats.llm_c import LlmC
from operators.formats.megatron import Megatron
from operators.formats.nanogpt import NanoGpt
from operators.formats.olmo_npy import OlmoNpy
from pipeline.errors import OperatorError, PlanError, SchemaError
from pipeline.format_writer import Part, PartFile
from tests.unit.operators.formats.streams import STREAM, packed, store, tokens_in, write

STREAMS = {
    "megatron": (Megatron(vocab_size=65_000), "tokens.bin", "<u2", 0),
    "megatron int32": (Megatron(vocab_size=65_500), "tokens.bin", "<i4", 0),
    "datatrove_ds": (DatatroveDs(), "tokens.ds", "<u2", 0),
    "datatrove_ds uint32": (DatatroveDs(token_type="uint32"), "tokens.ds", "<u4", 0),
    "olmo_npy": (OlmoNpy(), "tokens.npy", "<u2", 0),
    "olmo_npy uint32": (OlmoNpy(token_type="uint32"), "tokens.npy", "<u4", 0),
    "nanogpt": (NanoGpt(), "tokens.bin", "<u2", 0),
    "llm_c": (LlmC(), "tokens.bin", "<u2", 1024),
    "llm_c uint32": (LlmC(token_type="uint32"), "tokens.bin", "<u4", 1024),
}
ALL = pytest.mark.parametrize(("writer", "file", "dtype", "header_bytes"), STREAMS.values(), ids=STREAMS)


@ALL
def test_every_format_holds_the_same_stream(writer, file, dtype, header_bytes, tmp_path):
    batch = store()
    files = write(writer, [batch.slice(0, 1), batch.slice(1)], tmp_path / "shard")
    assert tokens_in(files[file], dtype, header_bytes) == STREAM
    assert writer.amount_in(tmp_path / "shard") == len(STREAM)
    assert json.loads(files["part.json"].read_text()) == {"documents": 3}


@ALL
def test_packed_rows_lose_their_padding(writer, file, dtype, header_bytes, tmp_path):
    flat = writer.model_copy(update={"flatten": True})
    files = write(flat, [packed([[5, 6, 9], [7, 0, 0]], [2, 1])], tmp_path / "shard")
    assert tokens_in(files[file], dtype, header_bytes) == [5, 6, 7]
    assert flat.amount_in(tmp_path / "shard") == 3


WRITERS = pytest.mark.parametrize("writer", [entry[0] for entry in STREAMS.values()], ids=STREAMS)
FILES = pytest.mark.parametrize(("writer", "file", "dtype"), [entry[:3] for entry in STREAMS.values()], ids=STREAMS)


@WRITERS
def test_a_shard_without_tokens_has_no_files(writer, tmp_path):
    files = write(writer, [store([[], []])], tmp_path / "shard")
    assert list(files) == ["part.json"]
    assert writer.amount_in(tmp_path / "shard") == 0


@FILES
def test_a_file_that_lost_a_token_is_seen(writer, file, dtype, tmp_path):
    files = write(writer, [store()], tmp_path / "shard")
    data = files[file].read_bytes()
    files[file].write_bytes(data[: -int(dtype[-1])])
    if isinstance(writer, NanoGpt):
        assert writer.amount_in(tmp_path / "shard") == len(STREAM) - 1
        return
    with pytest.raises(OperatorError, match="expected the shard's files to agree on its tokens; found"):
        writer.amount_in(tmp_path / "shard")


@FILES
def test_half_a_token_is_seen(writer, file, dtype, tmp_path):
    files = write(writer, [store()], tmp_path / "shard")
    files[file].write_bytes(files[file].read_bytes() + b"0")
    with pytest.raises(OperatorError, match=f"expected whole items of {dtype[-1]} bytes in {file}; found"):
        writer.amount_in(tmp_path / "shard")


@pytest.mark.parametrize("writer", [NanoGpt(), LlmC(), DatatroveDs(), OlmoNpy(), Megatron(vocab_size=60_000)])
def test_an_id_that_the_type_cannot_hold_is_refused(writer, tmp_path):
    with pytest.raises(SchemaError, match=r"expected ids below 6\d+; found 65536; .*(set|correct|choose)"):
        write(writer, [store([[1, 65_536]])], tmp_path / "shard")


def test_packed_rows_are_refused_unless_flattened():
    rows = packed([[5, 6]], [2])
    with pytest.raises(PlanError, match=r"^nanogpt: expected documents.*found packed rows; .* or set flatten: true$"):
        NanoGpt().output_schema(rows.schema)
    assert NanoGpt(flatten=True).output_schema(rows.schema).names == ["input_ids", "loss_mask", "num_tokens"]


def test_documents_cannot_be_flattened():
    with pytest.raises(PlanError, match=r"^nanogpt: flatten is for packed rows; found documents; leave it out$"):
        NanoGpt(flatten=True).output_schema(store().schema)


def test_rows_that_hold_no_tokens_are_refused():
    with pytest.raises(SchemaError, match=r"^nanogpt: requires column 'tokens' .* available: \['num_tokens'\]$"):
        NanoGpt().output_schema(pa.schema([("num_tokens", pa.int64())]))


def test_only_what_a_format_holds_is_read():
    assert NanoGpt().output_schema(store().schema).names == ["tokens", "num_tokens"]
    assert OlmoNpy().output_schema(store().schema).names == ["doc_id", "source", "tokens", "num_tokens"]
    assert OlmoNpy().output_schema(store().drop_columns(["source"]).schema).names == ["doc_id", "tokens", "num_tokens"]


def part(shard, tokens):
    files = (PartFile("tokens.bin", f"train_{shard:05d}.bin", 2 * tokens, "00"),) if tokens else ()
    return Part(shard, files, 3, tokens, {"documents": 2 if tokens else 0})


def test_dataset_json_lists_shards_that_have_files():
    (name, data), *others = NanoGpt().index([part(0, 5), part(1, 0), part(2, 7)]).items()
    assert (name, others) == ("dataset.json", [])
    assert json.loads(data) == {
        "format": "nanogpt",
        "token_type": "uint16",
        "tokens": 12,
        "documents": 4,
        "shards": [
            {"files": ["train_00000.bin"], "tokens": 5, "documents": 2},
            {"files": ["train_00002.bin"], "tokens": 7, "documents": 2},
        ],
    }
