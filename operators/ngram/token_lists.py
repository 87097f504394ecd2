"""Token ids of documents as arrays that kernels read. D documents, T tokens."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.kernel import Offsets

Ids = npt.NDArray[np.uint32]


class TokenLists(NamedTuple):
    """Document d has the ids `ids[offsets[d]:offsets[d + 1]]`."""

    ids: Ids  # (T,)
    offsets: Offsets  # (D + 1,)


def token_lists(column: pa.Array) -> TokenLists:
    """The ids of a column of lists of uint32, without copying them; a null has none."""
    offsets = np.zeros(len(column) + 1, np.int64)
    np.cumsum(pc.fill_null(pc.list_value_length(column), 0).to_numpy(zero_copy_only=False), out=offsets[1:])
    return TokenLists(column.flatten().to_numpy(), offsets)
