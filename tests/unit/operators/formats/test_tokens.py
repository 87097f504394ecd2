"""Batches as streams of tokens."""

from io import BytesIO

import numpy as np
import pyarrow as pa
import pytest

from operators.formats.tokens import chunk_of, dtype_of, write_tokens
from operators.tokenize.tokenizer import TOKENS_TYPE
from pipeline.errors import SchemaError
from tests.unit.operators.formats.streams import DOCUMENTS, STREAM, packed, store


def test_documents_without_tokens_are_not_in_the_stream():
    chunk = chunk_of(store(), 10)
    assert chunk.tokens.tolist() == STREAM
    assert chunk.lengths.tolist() == [3, 2, 4]
    assert chunk.rows.tolist() == [0, 2, 3]
    assert chunk.first_row == 10
    assert chunk.loss is None


@pytest.mark.parametrize(("start", "length"), [(0, 2), (1, 2), (2, 2), (3, 0), (1, 1)])
def test_slices_of_a_batch_hold_their_own_documents(start, length):
    chunk = chunk_of(store().slice(start, length))
    assert chunk.tokens.tolist() == [token for tokens in DOCUMENTS[start : start + length] for token in tokens]


def test_tokens_of_the_store_are_not_copied():
    batch = store()
    chunk = chunk_of(batch)
    assert np.shares_memory(chunk.tokens, batch["tokens"].values.to_numpy())


def test_packed_rows_give_their_own_tokens_row_after_row():
    rows = packed([[1, 2, 3, 9], [4, 0, 0, 0], [0, 0, 0, 0], [5, 6, 7, 8]], [3, 1, 0, 4])
    for chunk, tokens, rows_with in [
        (chunk_of(rows), [1, 2, 3, 4, 5, 6, 7, 8], [0, 1, 3]),
        (chunk_of(rows.slice(1)), [4, 5, 6, 7, 8], [0, 2]),
    ]:
        assert chunk.tokens.tolist() == tokens
        assert chunk.rows.tolist() == rows_with
    assert chunk_of(rows).loss.tolist() == [0, 1, 1, 0, 0, 1, 1, 1]
    assert chunk_of(packed([[1, 2]], [2], with_loss=False)).loss is None


def test_rows_without_tokens_at_all_are_refused():
    batch = pa.record_batch({"tokens": pa.array([[1], None], TOKENS_TYPE), "num_tokens": pa.array([1, None])})
    with pytest.raises(SchemaError, match=r"expected them in every row; found 1 rows without; bind the removals"):
        chunk_of(batch)


@pytest.mark.parametrize("name", ["uint16", "uint32"])
def test_ids_are_stored_little_endian_up_to_the_bound(name):
    stream = BytesIO()
    dtype = dtype_of(name)
    largest = 2 ** (8 * dtype.itemsize) - 1
    write_tokens(stream, np.array([1, 258, largest], np.uint32), dtype, largest + 1, "")
    write_tokens(stream, np.empty(0, np.uint32), dtype, 1, "")
    written = stream.getvalue()
    assert written[: 2 * dtype.itemsize] == b"".join(n.to_bytes(dtype.itemsize, "little") for n in (1, 258))
    assert np.frombuffer(written, dtype).tolist() == [1, 258, largest]


def test_an_id_that_does_not_fit_is_refused():
    with pytest.raises(SchemaError, match=r"^tokens: expected ids below 65536; found 65536; set token_type: uint32$"):
        write_tokens(BytesIO(), np.array([3, 65_536], np.uint32), np.dtype(np.uint16), 65_536, "set token_type: uint32")
