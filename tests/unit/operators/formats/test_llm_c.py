"""llm.c's header."""

import numpy as np
import pytest

from operators.formats import llm_c
from operators.formats.llm_c import LlmC
from pipeline.errors import OperatorError, SchemaError
from tests.unit.operators.formats.streams import store, write


@pytest.mark.parametrize(("token_type", "magic"), [("uint16", [20240520, 1]), ("uint32", [20240801, 7])])
def test_the_header(token_type, magic, tmp_path):
    files = write(LlmC(token_type=token_type), [store()], tmp_path / "shard")
    header = np.frombuffer(files["tokens.bin"].read_bytes()[:1024], "<i4")
    assert header.tolist() == [*magic, 9] + [0] * 253


def test_more_tokens_than_the_header_counts_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(llm_c, "MAX_TOKENS", 8)
    with pytest.raises(SchemaError, match="expected at most 8 tokens in a file; found 9 in a shard"):
        write(LlmC(), [store()], tmp_path / "shard")


def test_another_header_is_refused(tmp_path):
    write(LlmC(token_type="uint32"), [store()], tmp_path / "shard")
    with pytest.raises(OperatorError, match=r"expected a header of uint16; found \[20240801, 7\]"):
        LlmC().tokens_in(tmp_path / "shard")


def test_names_by_split():
    assert LlmC(split="val").dataset_name(2, 3, "tokens.bin") == "val_00002.bin"
