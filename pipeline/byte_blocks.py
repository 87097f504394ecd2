"""Eight bytes of text at once, as one number: which of them are a certain byte, and how many characters begin there.

The first byte is the lowest. Kernels that look for rare bytes pass over most of a text with these, eight at a time.
"""

from typing import Any, Final

import numpy as np
from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

from pipeline.kernel import Bytes, inline_kernel

BLOCK: Final = np.uintp(8)
ONES: Final = np.uint64(0x0101010101010101)
HIGHS: Final = np.uint64(0x8080808080808080)


@inline_kernel
def load_block(data: Bytes, i: np.uintp) -> np.uint64:
    """The eight bytes from `i` on."""
    block = np.uint64(data[i])
    for k in range(1, 8):
        block |= np.uint64(data[i + np.uintp(k)]) << np.uint64(8 * k)
    return block


@intrinsic  # type: ignore[untyped-decorator]
def store_block(typing_context: Any, data: Any, i: Any, block: Any) -> Any:  # Any: Numba's compiler types are untyped
    """Writes eight bytes to `data` from `i` on; eight stores of one byte each stay eight, as the compiler has it."""
    del typing_context

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # Any: as above
        array, index, value = arguments
        first = context.make_array(signature.args[0])(context, builder, array).data
        place = builder.bitcast(builder.gep(first, [index]), ir.IntType(64).as_pointer())
        builder.store(value, place, align=1)
        return context.get_dummy_value()

    return types.void(data, i, block), generate


@inline_kernel
def load_part(data: Bytes, begin: np.uintp, end: np.uintp) -> np.uint64:
    """The bytes of `data[begin:end]`, at most eight, and zeros behind them."""
    block = np.uint64(0)
    for i in range(begin, end):
        block |= np.uint64(data[np.uintp(i)]) << (np.uint64(8) * np.uint64(np.uintp(i) - begin))
    return block


@inline_kernel
def load_rest(data: Bytes, begin: np.uintp, end: np.uintp) -> np.uint64:
    """As `load_part`, of fewer than eight bytes: at once, where so many bytes follow in `data`."""
    if begin + BLOCK > np.uintp(data.shape[0]):
        return load_part(data, begin, end)
    return load_block(data, begin) & ((np.uint64(1) << (np.uint64(8) * np.uint64(end - begin))) - np.uint64(1))


@inline_kernel
def marks_of(block: np.uint64, byte: np.uint64) -> np.uint64:
    """The high bit of the first byte that equals `byte`; bits above it mean nothing; 0 where no byte does."""
    rest = block ^ (ONES * byte)
    return (rest - ONES) & ~rest & HIGHS


@inline_kernel
def marks_below(block: np.uint64, limit: np.uint64) -> np.uint64:
    """As `marks_of`, for the first byte below `limit`, at most 0x80."""
    return (block - ONES * limit) & ~block & HIGHS


@inline_kernel
def bytes_below(marks: np.uint64) -> np.uint64:
    """All bits of the bytes before the first mark, where there is one."""
    lowest = marks & (~marks + np.uint64(1))
    return (lowest >> np.uint64(7)) - np.uint64(1)


@inline_kernel
def count_bytes(mask: np.uint64) -> np.uintp:
    """How many bytes a mask of whole bytes has."""
    return np.uintp(((mask & ONES) * ONES) >> np.uint64(56))


@inline_kernel
def count_continuations(block: np.uint64) -> np.int64:
    """How many of the bytes begin no character."""
    return np.int64((((block >> np.uint64(7)) & ~(block >> np.uint64(6)) & ONES) * ONES) >> np.uint64(56))


@inline_kernel
def break_marks(block: np.uint64) -> np.uint64:
    """As `marks_of`, for the first control character of ASCII or first byte of U+0085, U+2028 and their neighbours."""
    return marks_below(block, np.uint64(0x20)) | marks_of(block, np.uint64(0xC2)) | marks_of(block, np.uint64(0xE2))
