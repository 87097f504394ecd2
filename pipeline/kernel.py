"""How hot loops are compiled, and how they see Arrow text. Every Numba kernel of the project goes through `kernel`."""

from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar, cast

import numba
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline.errors import SchemaError
from pipeline.kernel_cache import KernelCache

P = ParamSpec("P")
R = TypeVar("R")

Bytes = npt.NDArray[np.uint8]
Offsets = npt.NDArray[np.int64]


def kernel(function: Callable[P, R]) -> Callable[P, R]:
    """Compiles `function` on first call: without the GIL, cached on disk, C division, no bounds checks."""
    return _compiled(function, {})


def borrowing_kernel(function: Callable[P, R]) -> Callable[P, R]:
    """As `kernel`, without counting references to arrays: for a kernel that reads many arrays a row and makes none.

    Numba counts a reference, an atomic operation, whenever an array is taken out of a tuple; where some dozens are for
    each row, that is most of the time. It refuses to compile such a kernel if it allocates.
    """
    return _compiled(function, {"_nrt": False})


def inline_kernel(function: Callable[P, R]) -> Callable[P, R]:
    """As `kernel`, for a small function that is inlined into the kernels that call it."""
    return _compiled(function, {"inline": "always"})


def _compiled(function: Callable[P, R], options: dict[str, Any]) -> Callable[P, R]:  # Any: what Numba's options may be
    """The function, compiled on first call and cached on disk by what it and all that it calls say."""
    compiled: Any = numba.njit(nogil=True, error_model="numpy", boundscheck=False, **options)(function)
    compiled._cache = KernelCache(compiled)  # noqa: SLF001 -- where `cache=True` puts Numba's own
    compiled._compilation_chain_init_hook = _load_no_extensions  # noqa: SLF001 -- Numba has no setting for it
    return cast("Callable[P, R]", compiled)


def _load_no_extensions() -> None:
    """What Numba calls before a kernel's first call: by itself it loads what other packages add to its types.

    Kernels take arrays and numbers. Awkward, which comes with one of the tokenizers, would be 0.3 s of each start.
    """


def text_buffers(array: pa.Array) -> tuple[Bytes, Offsets]:
    """The UTF-8 bytes and the (D + 1,) int64 offsets of a large_string or large_binary array, without copying.

    Text of row d is `data[offsets[d]:offsets[d + 1]]`. A null row has no bytes. `data` may begin before the first row.
    Both are read-only, so that kernels compile once.
    """
    if not (pa.types.is_large_string(array.type) or pa.types.is_large_binary(array.type)):
        raise SchemaError(f"kernel: expected large_string or large_binary; found {array.type}")
    _, offsets, data = array.buffers()
    if len(array) == 0 or offsets is None:
        return np.frombuffer(b"", np.uint8), np.frombuffer(bytes(8), np.int64)
    bounds = np.frombuffer(offsets, np.int64)[array.offset : array.offset + len(array) + 1]
    return np.frombuffer(b"" if data is None else data, np.uint8), bounds
