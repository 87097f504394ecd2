"""Compiled kernels on disk, found by the code of a kernel and of all that it calls, and loaded without the compiler.

Numba's own cache finds a kernel by the time at which its file changed. So it compiles again after an edit of a comment,
and does not after an edit in another file of what is inlined. And before it loads anything, it sets up its compiler:
0.4 s of CPU time, longer than it takes to load all kernels of a run.
"""

from collections.abc import Iterator
from functools import cache
from types import CodeType, FunctionType, ModuleType
from typing import Any, Final, cast

import llvmlite.binding
import numpy as np
import xxhash
from numba.core.caching import FunctionCache, IndexDataCacheFile
from numba.core.codegen import JITCodeLibrary
from numba.core.dispatcher import Dispatcher
from numba.core.extending import _Intrinsic
from numba.core.runtime import rtsys

PACKAGES: Final = ("operators", "pipeline")
"""What functions of these do is looked at; those of others are known by name."""


StoredLibrary = tuple[str, str, tuple[bytes, bytes]]
"""A kernel's name, how it is stored, its machine code, and its bitcode for kernels that it is inlined into."""

RUNTIME_PREFIX: Final = b"NRT_"
"""Names of functions of Numba's runtime begin so."""


class KernelCache:
    """What Numba asks for the compiled code of one kernel. Its files are opened on the first call of the kernel."""

    def __init__(self, kernel: Dispatcher) -> None:
        self._kernel = kernel
        self._files: FunctionCache | None = None

    def load_overload(self, signature: Any, target_context: Any) -> Any:  # Any: Numba is untyped
        """The compiled code for these types, or None. The compiler is not set up: it does that itself when needed."""
        files = self._opened()
        stored = files._cache_file.load(files._index_key(signature, target_context.codegen()))  # noqa: SLF001
        if stored is None:
            return None
        if _needs_runtime(stored[0]):
            rtsys.initialize(target_context)  # what its code calls is known to the linker then
        return _rebuilt(files, target_context, *stored)

    def save_overload(self, signature: Any, compiled: Any) -> None:  # Any: as above
        """Writes what was compiled."""
        self._opened().save_overload(signature, compiled)

    @property
    def cache_path(self) -> str:
        """The folder of its files, as `Dispatcher.stats` tells it."""
        return str(self._opened().cache_path)

    def _opened(self) -> Any:  # Any: as above
        if self._files is None:
            files = FunctionCache(self._kernel.py_func)
            # The digest is in the name: what older code left may not even be unpickled, as its types may be gone.
            digest = code_digest(self._kernel)
            name = f"{files._impl.filename_base}.{digest[:16]}"  # noqa: SLF001 -- Numba has no other way
            files._cache_file = IndexDataCacheFile(files.cache_path, name, digest)  # noqa: SLF001
            self._files = files
        return self._files


def _needs_runtime(library: StoredLibrary) -> bool:
    """Whether stored code calls Numba's runtime, which is compiled anew in each process: 0.07 s. Few kernels do."""
    _, _, (object_code, _) = library
    return RUNTIME_PREFIX in object_code


def _rebuilt(files: Any, target_context: Any, stored: StoredLibrary, names: Any, *others: Any) -> Any:  # Any: as above
    """The compiled kernel. Its bitcode is kept as bytes."""
    name, kind, (object_code, bitcode) = stored
    codegen = target_context.codegen()
    # By itself Numba learns from the bitcode which functions there are, and asks for no others.
    entries = (names.llvm_func_name, names.llvm_cpython_wrapper_name, names.llvm_cfunc_wrapper_name)
    codegen._engine._defined_symbols.update(entries)  # noqa: SLF001
    library = (name, kind, (object_code, _no_bitcode()))
    result = files._impl.rebuild(target_context, (library, names, *others))  # noqa: SLF001
    result.library.__class__ = LoadedLibrary
    result.library.keep_bitcode(bitcode)
    return result


@cache
def _no_bitcode() -> bytes:
    return cast("bytes", llvmlite.binding.parse_assembly("").as_bitcode())


class LoadedLibrary(JITCodeLibrary):  # type: ignore[misc]
    """A kernel's code out of the cache. What other kernels would inline of it is parsed when one is compiled.

    That takes half of the time in which a large kernel is loaded, and hardly a process compiles anything.
    """

    def keep_bitcode(self, bitcode: bytes) -> None:
        """Takes what was stored for other kernels."""
        self._bitcode = bitcode
        self._shared_module = None

    def _get_module_for_linking(self) -> Any:  # Any: as above
        if self._shared_module is None:
            self._shared_module = llvmlite.binding.parse_bitcode(self._bitcode)
        return self._shared_module


def code_digest(kernel: Dispatcher) -> str:
    """A digest, in hex, of how a kernel is compiled, its code, and all that it refers to: functions and constants."""
    digest = xxhash.xxh3_128(_options(kernel).encode())
    for value in _reached(kernel):
        digest.update(_described(value)[0])
    return digest.hexdigest()


def _reached(kernel: Dispatcher) -> Iterator[object]:
    """A kernel and the functions of the project that it calls, and those that these call, in a fixed order."""
    waiting: list[object] = [kernel]
    seen = {kernel}
    while waiting:
        value = waiting.pop()
        yield value
        called = _described(value)[1]
        waiting += [other for other in called if other not in seen]
        seen.update(called)


def _described(value: object) -> tuple[bytes, tuple[object, ...]]:
    function = _python_function(value)
    assert function is not None
    return _describe(function)


@cache
def _describe(function: FunctionType) -> tuple[bytes, tuple[object, ...]]:
    """What a function is by itself, and which functions of the project it refers to, in a fixed order."""
    described: list[str] = []
    called: dict[object, None] = {}
    for code in _codes(function.__code__):
        constants = [constant for constant in code.co_consts if not isinstance(constant, CodeType)]
        if constants and constants[0] == function.__doc__:
            del constants[0]
        described += [code.co_code.hex(), str(code.co_varnames), *map(_describe_value, constants)]
        for name in code.co_names:
            value = function.__globals__.get(name)
            python = _python_function(value)
            if python is None:
                described.append(f"{name}={_describe_value(value)}")
            else:
                described.append(f"{name}={python.__module__}.{python.__qualname__}{_options(value)}")
                called[value] = None
    return "\n".join(described).encode(), tuple(called)


def _codes(code: CodeType) -> Iterator[CodeType]:
    """A function's code and that of the functions in it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)


def _python_function(value: object) -> FunctionType | None:
    """The function behind a kernel, or behind a value of the project's; None where there is none."""
    if isinstance(value, Dispatcher):
        return cast("FunctionType", value.py_func)
    python = value._defn if isinstance(value, _Intrinsic) else value  # noqa: SLF001 -- it has no other name
    if isinstance(python, FunctionType) and python.__module__.partition(".")[0] in PACKAGES:
        return python
    return None


def _options(value: object) -> str:
    """How a kernel is compiled."""
    return str(sorted(value.targetoptions.items(), key=str)) if isinstance(value, Dispatcher) else ""


def _describe_value(value: object) -> str:
    """A value as text that is the same in every process."""
    if isinstance(value, (bool, int, float, str, bytes, np.generic, type(None))):
        return repr(value)
    if isinstance(value, np.ndarray):
        return f"{value.dtype}{value.shape}{xxhash.xxh3_128_hexdigest(value.tobytes())}"
    if isinstance(value, (tuple, list)):
        return str([_describe_value(item) for item in value])
    if isinstance(value, ModuleType):
        return value.__name__
    if isinstance(value, type):
        return f"{value.__module__}.{value.__qualname__}{getattr(value, '_fields', '')}"
    return f"{type(value).__module__}.{type(value).__qualname__}"
