"""The columns of packed rows."""

import pyarrow as pa

from operators.pack.packed_table import list_type, packed_schema


def test_columns_that_describe_tokens_are_as_long_as_the_ids() -> None:
    schema = packed_schema(5)
    assert schema.field("input_ids").type == pa.list_(pa.field("item", pa.uint32(), nullable=False), 5)
    assert schema.field("position_ids").type == schema.field("segment_ids").type == list_type(pa.int32(), 5)
    assert schema.field("loss_mask").type == list_type(pa.uint8(), 5)
    assert schema.names[4:] == ["doc_ids", "num_tokens", "num_continued", "num_truncated"]


def test_ends_of_pieces_take_the_place_of_three_columns() -> None:
    assert packed_schema(5, "cu_seqlens").names == ["input_ids", "cu_seqlens", *packed_schema(5).names[4:]]
