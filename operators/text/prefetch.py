"""Memory asked for ahead of its use: what is behind the latency of memory is hidden by the work on what is there."""

from typing import Any, Final

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

_BYTE_POINTER: Final = ir.IntType(8).as_pointer()
_INTEGER: Final = ir.IntType(32)
_READ, _KEEP, _DATA = (_INTEGER(value) for value in (0, 3, 1))
"""Arguments of LLVM's `llvm.prefetch`."""


def item_pointer(
    context: Any, builder: Any, kind: Any, place: Any, pointer: Any
) -> Any:  # Any: Numba's compiler types are untyped
    """A pointer to an item of a contiguous array; `place` is the array and the index, counted over all its axes."""
    array, index = place
    data = context.make_array(kind)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [index]), pointer)


@intrinsic  # type: ignore[untyped-decorator]
def prefetch(typing_context: Any, array: Any, index: Any) -> Any:  # Any: as above
    """Begins to load the cache line with item `index` of a contiguous array, counted over all its axes."""
    del typing_context

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # Any: as above
        kind = ir.FunctionType(ir.VoidType(), [_BYTE_POINTER, _INTEGER, _INTEGER, _INTEGER])
        function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
        address = item_pointer(context, builder, signature.args[0], arguments, _BYTE_POINTER)
        builder.call(function, [address, _READ, _KEEP, _DATA])
        return context.get_dummy_value()

    return types.void(array, index), generate
