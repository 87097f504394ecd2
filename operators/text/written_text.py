"""Text that kernels wrote, as an Arrow array."""

import pyarrow as pa

from pipeline.document import TEXT_TYPE
from pipeline.kernel import Bytes, Offsets


def written_text(out: Bytes, offsets: Offsets) -> pa.Array:
    """The texts `out[offsets[d]:offsets[d + 1]]`; what `out` has behind the last is let go."""
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(out[: offsets[-1]].copy())]
    return pa.Array.from_buffers(TEXT_TYPE, len(offsets) - 1, buffers)
