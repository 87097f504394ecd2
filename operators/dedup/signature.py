"""The `minhash` column: its type, and the way between it and NumPy. D documents, K permutations."""

from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

SIGNATURE: Final = "minhash"


def signature_type(num_bands: int, rows_per_band: int) -> pa.DataType:
    """A fixed-size list of num_bands * rows_per_band values, the bands one after the other."""
    return pa.list_(pa.uint32(), num_bands * rows_per_band)


def column_of_signatures(values: npt.NDArray[np.uint32], null: npt.NDArray[np.bool_]) -> pa.Array:
    """The column of (D, K) values, null where `null` (D,) says so."""
    num_permutations = values.shape[1]
    return pa.FixedSizeListArray.from_arrays(
        pa.array(values.reshape(-1)), type=pa.list_(pa.uint32(), num_permutations), mask=pa.array(null)
    )


def signatures_of_column(column: pa.Array) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.bool_]]:
    """(D, K) values without copying, and which of the D are there; a null's values mean nothing."""
    width = column.type.list_size
    child = column.values
    # The buffer itself: a reader may have put nulls into the child, and `to_numpy` would then turn to floats.
    data = child.buffers()[1]
    start = child.offset + column.offset * width
    flat = np.empty(0, np.uint32) if data is None else np.frombuffer(data, np.uint32)
    values = flat[start : start + len(column) * width].reshape(len(column), width)
    return values, column.is_valid().to_numpy(zero_copy_only=False)
