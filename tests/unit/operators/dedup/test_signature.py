import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from operators.dedup.signature import SIGNATURE_VALUE, buckets_type, column_of_values, signature_type, values_of_column

VALUES = np.arange(40, dtype=np.uint16).reshape(10, 4) * np.uint16(1601)
KEYS = np.arange(30, dtype=np.uint64).reshape(10, 3) << np.uint64(58)
NULL = np.array([False, True, False, False, False, True, False, False, False, True])


@pytest.mark.parametrize(("given", "column_type"), [(VALUES, signature_type(4)), (KEYS, buckets_type(3))])
def test_goes_into_arrow_and_back(given, column_type):
    column = column_of_values(given, NULL)
    assert column.type == column_type
    values, present = values_of_column(column, given.dtype)
    assert np.array_equal(present, ~NULL)
    assert np.array_equal(values, given)
    assert values.dtype == given.dtype


@pytest.mark.parametrize(("num_permutations", "num_kept"), [(1, 1), (255, 255), (256, 256), (260, 256), (9000, 256)])
def test_keeps_256_values_at_most(num_permutations, num_kept):
    assert signature_type(num_permutations) == pa.binary(2 * num_kept)


def test_a_slice_gives_its_rows():
    values, present = values_of_column(column_of_values(VALUES, NULL).slice(4, 3), SIGNATURE_VALUE)
    assert np.array_equal(present, ~NULL[4:7])
    assert np.array_equal(values, VALUES[4:7])


def test_reads_what_parquet_gives_back(tmp_path):
    pq.write_table(pa.table({"minhash": column_of_values(VALUES, NULL)}), tmp_path / "signatures.parquet")
    column = pq.read_table(tmp_path / "signatures.parquet").column("minhash").combine_chunks()
    column = column.chunk(0) if isinstance(column, pa.ChunkedArray) else column
    values, present = values_of_column(column, SIGNATURE_VALUE)
    assert column.type == signature_type(4)
    assert np.array_equal(present, ~NULL)
    assert np.array_equal(values[present], VALUES[~NULL])


def test_no_rows():
    values, present = values_of_column(pa.array([], signature_type(112)), SIGNATURE_VALUE)
    assert values.shape == (0, 112)
    assert present.shape == (0,)
