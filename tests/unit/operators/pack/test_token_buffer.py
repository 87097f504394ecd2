"""Tokens that wait: what is taken is what was added, whatever the batches."""

import numpy as np
import pyarrow as pa

from operators.pack.token_buffer import Documents, TokenBuffer, doc_id_words
from tests.unit.operators.pack.packed import documents


def test_what_is_taken_is_what_was_added() -> None:
    batch = documents([3, 0, 2])
    buffer = TokenBuffer()
    buffer.append(Documents(np.array([2]), np.array([7]), np.ones((1, 2), np.uint64), np.array([90, 91], np.uint32)))
    buffer.add(batch.slice(0, 1))
    buffer.add(batch.slice(1, 2))
    assert buffer.num_tokens == 7
    taken = buffer.take()
    assert taken.lengths.tolist() == [2, 3, 0, 2]
    assert taken.begins.tolist() == [7, 0, 0, 0]
    assert taken.tokens.tolist() == [90, 91, 0, 1, 2, 3, 4]
    assert taken.doc_ids[1:].tobytes() == b"".join(batch["doc_id"].to_pylist())


def test_a_buffer_grows() -> None:
    buffer = TokenBuffer(np.empty(2, np.uint32))
    for _ in range(5):
        buffer.add(documents([3]))
    assert buffer.take().tokens.tolist() == [0, 1, 2] * 5


def test_storage_of_another_buffer_shows_nothing_of_it() -> None:
    used = TokenBuffer()
    used.add(documents([9]))
    buffer = TokenBuffer(used.storage)
    assert buffer.take().tokens.tolist() == []
    buffer.add(documents([2]))
    assert buffer.take().tokens.tolist() == [0, 1]


def test_a_buffer_is_empty_once_it_was_taken() -> None:
    buffer = TokenBuffer()
    buffer.add(documents([3]))
    buffer.take()
    assert buffer.num_tokens == 0
    assert len(buffer.take().lengths) == 0


def test_ids_of_a_slice_are_its_own() -> None:
    ids = [bytes([number]) * 16 for number in range(4)]
    column = pa.array(ids, pa.binary(16)).slice(1, 2)
    assert doc_id_words(column).tobytes() == ids[1] + ids[2]
