"""The columns of signatures: their types, and the way between them and NumPy. D documents, V values in a list."""

from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

BUCKETS: Final = "minhash_buckets"
"""A document's bucket in every band: whom it is compared with."""
SIGNATURE: Final = "minhash"
"""What is compared: the low 16 bits of the first values."""

MAX_KEPT_VALUES: Final = 256
"""More values of 16 bits would sharpen no estimate that a threshold needs: their standard error is 0.031 at most."""


def buckets_type(num_bands: int) -> pa.DataType:
    """A fixed-size list of one 64-bit bucket a band."""
    return pa.list_(pa.uint64(), num_bands)


def signature_type(num_permutations: int) -> pa.DataType:
    """A fixed-size list of the values that are kept of so many."""
    return pa.list_(pa.uint16(), min(num_permutations, MAX_KEPT_VALUES))


def column_of_lists(values: npt.NDArray[Any], null: npt.NDArray[np.bool_]) -> pa.Array:  # Any: of either column
    """The column of (D, V) values, null where `null` (D,) says so."""
    child = pa.array(values.reshape(-1))
    column_type = pa.list_(child.type, values.shape[1])
    return pa.FixedSizeListArray.from_arrays(child, type=column_type, mask=pa.array(null))


def lists_of_column(column: pa.Array) -> tuple[npt.NDArray[Any], npt.NDArray[np.bool_]]:  # Any: of either column
    """(D, V) values without copying, and which of the D are there; a null's values mean nothing."""
    width = column.type.list_size
    dtype = column.type.value_type.to_pandas_dtype()
    child = column.values
    # The buffer itself: a reader may have put nulls into the child, and `to_numpy` would then turn to floats.
    data = child.buffers()[1]
    start = child.offset + column.offset * width
    flat = np.empty(0, dtype) if data is None else np.frombuffer(data, dtype)
    values = flat[start : start + len(column) * width].reshape(len(column), width)
    return values, column.is_valid().to_numpy(zero_copy_only=False)
