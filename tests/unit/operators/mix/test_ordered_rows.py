"""Rows pass as they come, without the key."""

import pyarrow as pa

from operators.mix.ordered_rows import OrderedRows


def test_all_columns_but_the_key_and_the_position_pass():
    batch = pa.record_batch(
        {
            "shuffle_key": pa.array([1, 2], pa.uint64()),
            "tokens": pa.array([[3], []], pa.large_list(pa.uint32())),
            "position": pa.array([9, 8], pa.uint64()),
        }
    )
    operator = OrderedRows()
    (found,) = operator.open()(iter([batch, batch.slice(0, 0)]))
    assert found.to_pydict() == {"tokens": [[3], []]}
    assert found.schema == operator.output_schema(batch.schema)
    assert operator.takes_every_column
