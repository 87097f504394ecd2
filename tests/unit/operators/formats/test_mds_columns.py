"""Columns of MDS samples, read by the format's rules."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from operators.formats.mds_columns import Encodings, column_values, samples
from pipeline.errors import SchemaError

ROWS = st.lists(
    st.tuples(st.lists(st.integers(0, 99), max_size=300), st.text(max_size=5), st.integers(-(2**63), 2**63 - 1)),
    min_size=1,
    max_size=5,
)


def decoded(sample, encodings):
    """A sample's columns as bytes: sizes of those of varying size first, then all of them."""
    sizes, at = [], 0
    for size in encodings.sizes:
        if size is None:
            sizes.append(int(np.frombuffer(sample[at : at + 4], np.uint32)[0]))
            at += 4
        else:
            sizes.append(size)
    row = {}
    for name, size in zip(encodings.names, sizes, strict=True):
        row[name] = sample[at : at + size]
        at += size
    assert at == len(sample)
    return row


def array(data, dtype):
    """An array of one dimension and any length: rank and width of the length, length, values."""
    rank, width = data[0] >> 2, 1 << (data[0] & 3)
    assert rank == 1
    values = np.frombuffer(data[1 + width :], dtype)
    assert int.from_bytes(data[1 : 1 + width], "little") == len(values)
    return values.tolist()


def table(rows):
    ids = pa.array([[bytes([n]) * 16] * (n % 3) for n in range(len(rows))], pa.list_(pa.binary(16)))
    fixed = pa.array([[n, n + 1] for n in range(len(rows))], pa.list_(pa.int32(), 2))
    columns = {
        "tokens": pa.array([tokens for tokens, _, _ in rows], pa.large_list(pa.uint32())),
        "source": pa.array([source for _, source, _ in rows], pa.string()),
        "num_tokens": pa.array([number for _, _, number in rows], pa.int64()),
        "doc_ids": ids,
        "fixed": fixed,
    }
    return pa.record_batch(columns)


@settings(deadline=None)  # the first call compiles
@given(rows=ROWS, begin=st.integers(0, 4))
def test_every_column_is_found_again(rows, begin):
    batch = table(rows).slice(min(begin, len(rows) - 1))
    encodings = Encodings.of(batch.schema)
    assert encodings.names == ("doc_ids", "fixed", "num_tokens", "source", "tokens")
    assert encodings.encodings == ("bytes", "ndarray:int32:2", "int64", "str", "ndarray:uint32")
    assert encodings.sizes == (None, 8, 8, None, None)
    data, offsets = samples(batch, encodings)
    for number, row in enumerate(batch.to_pylist()):
        found = decoded(data[offsets[number] : offsets[number + 1]].tobytes(), encodings)
        assert found["doc_ids"] == b"".join(row["doc_ids"])
        assert np.frombuffer(found["fixed"], np.int32).tolist() == row["fixed"]
        assert np.frombuffer(found["num_tokens"], np.int64).tolist() == [row["num_tokens"]]
        assert found["source"].decode() == row["source"]
        assert array(found["tokens"], np.uint32) == row["tokens"]
    counts = column_values(data, offsets, encodings.to_json(), "num_tokens")
    assert counts.tolist() == batch["num_tokens"].to_pylist()


@pytest.mark.parametrize("length", [255, 256, 65_535, 65_536])
def test_lengths_take_as_many_bytes_as_they_need(length):
    batch = pa.record_batch({"tokens": pa.array([[7] * length], pa.list_(pa.uint8()))})
    data, _ = samples(batch, Encodings.of(batch.schema))
    assert array(data[4:].tobytes(), np.uint8) == [7] * length


def test_a_type_that_the_format_does_not_have_is_refused():
    schema = pa.schema([("seen", pa.bool_())])
    with pytest.raises(SchemaError, match=r"column 'seen': expected numbers, text, bytes, .* found bool"):
        Encodings.of(schema)


@pytest.mark.parametrize("column", [pa.array([1, None]), pa.array([[1], [None]], pa.list_(pa.int64()))])
def test_a_null_is_refused(column):
    batch = pa.record_batch({"score": column})
    with pytest.raises(SchemaError, match=r"column 'score': expected a value in every row.* found 1 nulls"):
        samples(batch, Encodings.of(batch.schema))
