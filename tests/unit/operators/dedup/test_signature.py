import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from operators.dedup.signature import column_of_signatures, signature_type, signatures_of_column

VALUES = np.arange(40, dtype=np.uint32).reshape(10, 4) * np.uint32(100_000_007)
NULL = np.array([False, True, False, False, False, True, False, False, False, True])


def test_goes_into_arrow_and_back():
    column = column_of_signatures(VALUES, NULL)
    assert column.type == signature_type(2, 2)
    values, present = signatures_of_column(column)
    assert np.array_equal(present, ~NULL)
    assert np.array_equal(values, VALUES)


def test_a_slice_gives_its_rows():
    values, present = signatures_of_column(column_of_signatures(VALUES, NULL).slice(4, 3))
    assert np.array_equal(present, ~NULL[4:7])
    assert np.array_equal(values, VALUES[4:7])


def test_reads_what_parquet_gives_back(tmp_path):
    pq.write_table(pa.table({"minhash": column_of_signatures(VALUES, NULL)}), tmp_path / "signatures.parquet")
    column = pq.read_table(tmp_path / "signatures.parquet").column("minhash").combine_chunks()
    column = column.chunk(0) if isinstance(column, pa.ChunkedArray) else column
    values, present = signatures_of_column(column)
    assert column.type == signature_type(2, 2)
    assert np.array_equal(present, ~NULL)
    assert np.array_equal(values[present], VALUES[~NULL])


def test_nulls_inside_the_lists_do_not_shift_values():
    child = pa.array([None, None, 3, 4], pa.uint32())
    column = pa.FixedSizeListArray.from_arrays(child, type=signature_type(1, 2), mask=pa.array([True, False]))
    values, present = signatures_of_column(column)
    assert present.tolist() == [False, True]
    assert values[1].tolist() == [3, 4]


def test_no_rows():
    values, present = signatures_of_column(pa.array([], signature_type(14, 8)))
    assert values.shape == (0, 112)
    assert present.shape == (0,)
