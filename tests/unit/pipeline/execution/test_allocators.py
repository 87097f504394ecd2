"""Which allocator Arrow uses once the settings are made, in a process of its own."""

import ctypes
import os
import subprocess
import sys

import pytest

IS_GLIBC = hasattr(ctypes.CDLL(None), "mallopt")
MADE_BEFORE = (
    "from pipeline.execution.allocators import take_memory_from_system as take; take(); import pyarrow as pa; "
)
MADE_AFTER = "import pyarrow as pa; from pipeline.execution.allocators import take_memory_from_system as take; take(); "
LIMIT = "import resource; resource.setrlimit(resource.RLIMIT_DATA, (8 << 30, 8 << 30)); "
SHOW = "pa.array([1] * 100); print(pa.default_memory_pool().backend_name)"


def pool(code: str, **environment: str) -> str:
    before = {name: value for name, value in os.environ.items() if name != "ARROW_DEFAULT_MEMORY_POOL"}
    found = subprocess.run(
        [sys.executable, "-c", code + SHOW], env=before | environment, check=True, capture_output=True, text=True
    )
    return found.stdout.strip()


@pytest.mark.skipif(not IS_GLIBC, reason="the C library is not glibc")
@pytest.mark.parametrize("code", [MADE_BEFORE, MADE_AFTER])
def test_arrow_allocates_by_glibc_loaded_before_or_after(code: str) -> None:
    assert pool(code) == "system"
    assert pool("import pyarrow as pa; ") != "system"


def test_where_memory_is_limited_arrow_allocates_by_the_c_library() -> None:
    assert pool(LIMIT + MADE_BEFORE) == "system"


@pytest.mark.parametrize("code", [MADE_BEFORE, MADE_AFTER])
def test_what_the_environment_says_stays(code: str) -> None:
    assert pool(code, ARROW_DEFAULT_MEMORY_POOL="mimalloc") == "mimalloc"
