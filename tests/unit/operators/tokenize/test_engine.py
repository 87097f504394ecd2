"""Texts go to an engine in pieces; what it refuses is found one by one."""

import numpy as np
import pyarrow as pa
import pytest

from operators.tokenize import engine as engine_module
from operators.tokenize.encoded import from_documents
from operators.tokenize.engine import Engine, encode_accepted

TEXTS = ["aa", "", "bad", "aaaaaaaaa", "é", "bad", "a"]


@pytest.mark.parametrize("limit", [1, 2, 4, 9, 100])
@pytest.mark.parametrize("begin", [0, 2])
def test_pieces_change_neither_ids_nor_what_is_refused(monkeypatch: pytest.MonkeyPatch, limit: int, begin: int) -> None:
    calls = []

    def encode(texts: pa.Array):
        calls.append(texts.to_pylist())
        if "bad" in calls[-1]:
            raise ValueError("bad")
        return from_documents([np.full(len(text), 7, np.uint32) for text in calls[-1]])

    monkeypatch.setattr(engine_module, "ENCODE_BYTES", limit)
    texts = pa.array(TEXTS, pa.large_string()).slice(begin)
    found, refused = encode_accepted(Engine("fake", "1", encode), texts)
    assert refused.tolist() == [row for row, text in enumerate(TEXTS[begin:]) if text == "bad"]
    assert np.diff(found.bounds).tolist() == [len(text) * (text != "bad") for text in TEXTS[begin:]]
    assert all(len(call) == 1 or sum(len(text.encode()) for text in call) <= limit for call in calls)
