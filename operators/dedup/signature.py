"""The columns of signatures: their types, and the way between them and NumPy. D documents, V values in a row.

A row's values stand as bytes (little-endian) of one fixed width, not as a list: Parquet would store a level for each
value of a list, which takes ten times as long to write and to read as the values themselves.
"""

from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

BUCKETS: Final = "minhash_buckets"
"""A document's bucket in every band: whom it is compared with."""
SIGNATURE: Final = "minhash"
"""What is compared: the low 16 bits of the first values."""

BUCKET_VALUE: Final = np.dtype("<u8")
SIGNATURE_VALUE: Final = np.dtype("<u2")

MAX_KEPT_VALUES: Final = 256
"""More values of 16 bits would sharpen no estimate that a threshold needs: their standard error is 0.031 at most."""


def num_kept_values(num_permutations: int) -> int:
    """How many of a signature's values are kept."""
    return min(num_permutations, MAX_KEPT_VALUES)


def buckets_type(num_bands: int) -> pa.DataType:
    """The bytes of one 64-bit bucket a band."""
    return pa.binary(BUCKET_VALUE.itemsize * num_bands)


def signature_type(num_permutations: int) -> pa.DataType:
    """The bytes of the 16-bit values that are kept of so many."""
    return pa.binary(SIGNATURE_VALUE.itemsize * num_kept_values(num_permutations))


def column_of_values(values: npt.NDArray[Any], null: npt.NDArray[np.bool_]) -> pa.Array:  # Any: of either column
    """The column of (D, V) values, null where `null` (D,) says so."""
    data = pa.py_buffer(np.ascontiguousarray(values))
    present = pa.py_buffer(np.packbits(~null, bitorder="little"))
    width = values.dtype.itemsize * values.shape[1]
    return pa.Array.from_buffers(pa.binary(width), len(values), [present if null.any() else None, data])


def values_of_column(
    column: pa.Array,
    dtype: np.dtype[Any],  # Any: of either column
) -> tuple[npt.NDArray[Any], npt.NDArray[np.bool_]]:
    """(D, V) values without copying, and which of the D are there; a null's values mean nothing."""
    num_values = column.type.byte_width // dtype.itemsize
    data = column.buffers()[1]
    flat = np.empty(0, dtype) if data is None else np.frombuffer(data, dtype)
    start = column.offset * num_values
    values = flat[start : start + len(column) * num_values].reshape(len(column), num_values)
    return values, column.is_valid().to_numpy(zero_copy_only=False)
