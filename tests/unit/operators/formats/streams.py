"""Rows of the token store and packed rows for tests of formats, and writing them."""

import numpy as np
import pyarrow as pa

from operators.tokenize.tokenizer import TOKENS_TYPE
from pipeline.document import DOC_ID_TYPE

DOCUMENTS = ([5, 6, 2], [], [7, 2], [300, 301, 302, 2])
STREAM = [5, 6, 2, 7, 2, 300, 301, 302, 2]


def store(documents=DOCUMENTS, source="web"):
    """Documents with tokens, as `tokenize` leaves them."""
    ids = [bytes([number % 256]) * 16 for number in range(len(documents))]
    return pa.record_batch(
        {
            "doc_id": pa.array(ids, DOC_ID_TYPE),
            "source": pa.array([source] * len(documents), pa.string()),
            "tokens": pa.array(documents, TOKENS_TYPE),
            "num_tokens": pa.array(list(map(len, documents)), pa.int64()),
        }
    )


def packed(rows, num_tokens, *, with_loss=True):
    """Packed rows of one length; the ids behind `num_tokens` are not a row's own."""
    length = len(rows[0])
    columns = {
        "input_ids": pa.array(rows, pa.list_(pa.uint32(), length)),
        "segment_ids": pa.array([[1] * length] * len(rows), pa.list_(pa.int32(), length)),
        "num_tokens": pa.array(num_tokens, pa.int64()),
    }
    if with_loss:
        loss = [[int(place > 0) for place in range(length)] for _ in rows]
        columns["loss_mask"] = pa.array(loss, pa.list_(pa.uint8(), length))
    return pa.record_batch(columns)


def write(writer, batches, folder):
    """A shard's files, by name, of batches that have at least the columns that it holds."""
    names = writer.output_schema(batches[0].schema).names
    folder.mkdir(exist_ok=True)
    writer.open()(iter([batch.select(names) for batch in batches]), folder)
    return {path.name: path for path in sorted(folder.iterdir())}


def tokens_in(path, dtype, header_bytes=0):
    """What a file of ids holds."""
    return np.frombuffer(path.read_bytes()[header_bytes:], dtype).tolist()
