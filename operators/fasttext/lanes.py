"""Vector instructions for kernels that add up rows: eight floats side by side.

The compiler does not vectorise loops over 16 columns by itself, nor keeps their sums in registers from row to row.
Nothing here reorders additions: each of the eight lanes is a sum of its own.
"""

from typing import Any, Final

from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic, models, register_model

from operators.text.prefetch import item_pointer

NUM_LANES: Final = 8

_FLOAT: Final = ir.FloatType()
_VECTOR: Final = ir.VectorType(_FLOAT, NUM_LANES)


class _Lanes(types.Type):  # type: ignore[misc]
    """Eight float32 in a register."""


_LANES: Final = _Lanes("eight_floats")


@register_model(_Lanes)
class _LanesModel(models.PrimitiveModel):  # type: ignore[misc]
    """How the compiler stores them."""

    def __init__(self, manager: Any, kind: Any) -> None:  # Any: Numba's compiler types are untyped
        super().__init__(manager, kind, _VECTOR)


@intrinsic  # type: ignore[untyped-decorator]
def load_lanes(typing_context: Any, array: Any, index: Any) -> Any:  # Any: as above
    """The eight floats whose bytes begin at item `index` of a contiguous array."""
    del typing_context

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # Any: as above
        address = item_pointer(context, builder, signature.args[0], arguments, _VECTOR.as_pointer())
        return builder.load(address, align=1)  # rows of a mapped file lie at any byte

    return _LANES(array, index), generate


@intrinsic  # type: ignore[untyped-decorator]
def load_float(typing_context: Any, array: Any, index: Any) -> Any:  # Any: as above
    """The float whose bytes begin at item `index` of a contiguous array."""
    del typing_context

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # Any: as above
        address = item_pointer(context, builder, signature.args[0], arguments, _FLOAT.as_pointer())
        return builder.load(address, align=1)

    return types.float32(array, index), generate


@intrinsic  # type: ignore[untyped-decorator]
def store_lanes(typing_context: Any, lanes: Any, array: Any, index: Any) -> Any:  # Any: as above
    """Writes eight floats to a contiguous array from item `index` on."""
    del typing_context

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # Any: as above
        address = item_pointer(context, builder, signature.args[1], arguments[1:], _VECTOR.as_pointer())
        builder.store(arguments[0], address, align=1)
        return context.get_dummy_value()

    return types.void(lanes, array, index), generate


@intrinsic  # type: ignore[untyped-decorator]
def add_lanes(typing_context: Any, left: Any, right: Any) -> Any:  # Any: as above
    """The eight sums."""
    del typing_context

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # Any: as above
        del context, signature
        return builder.fadd(*arguments)

    return _LANES(left, right), generate


@intrinsic  # type: ignore[untyped-decorator]
def multiply_lanes(typing_context: Any, left: Any, right: Any) -> Any:  # Any: as above
    """The eight products."""
    del typing_context

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # Any: as above
        del context, signature
        return builder.fmul(*arguments)

    return _LANES(left, right), generate
