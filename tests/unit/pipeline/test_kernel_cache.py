import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.kernel_cache import code_digest

INNER = '''
import numpy as np
from pipeline.kernel import borrowing_kernel, inline_kernel, kernel

STEP = np.int64(2)

@inline_kernel
def step(value):
    """{docs}"""
    return value + STEP * np.int64({factor})

@{inner}
def twice(value):
    return step(step(value))
'''
OUTER = """
from operators.inner_for_test import twice
from pipeline.kernel import borrowing_kernel, kernel

@{outer}
def outer(value):
    return twice(value)
"""

Load = Callable[..., object]


@pytest.fixture
def load() -> Load:
    """Makes the outer kernel anew, with an inner one as the arguments say."""

    def kernel(
        factor: int = 1, docs: str = "A step.", inner: str = "borrowing_kernel", outer: str = "borrowing_kernel"
    ) -> object:
        module: dict[str, object] = {"__name__": "operators.inner_for_test"}
        exec(INNER.format(factor=factor, docs=docs, inner=inner), module)
        sys.modules["operators.inner_for_test"] = type(sys)("operators.inner_for_test")
        sys.modules["operators.inner_for_test"].__dict__.update(module)
        outside: dict[str, object] = {"__name__": "operators.outer_for_test"}
        exec(OUTER.format(outer=outer), outside)
        del sys.modules["operators.inner_for_test"]
        return outside["outer"]

    return kernel


def test_an_edit_of_what_is_inlined_elsewhere_is_an_edit(load: Load) -> None:
    assert code_digest(load(factor=1)) != code_digest(load(factor=3))


def test_an_edit_of_documentation_is_none(load: Load) -> None:
    assert code_digest(load(docs="A step.")) == code_digest(load(docs="Another wording."))


def test_how_a_called_kernel_is_compiled_counts(load: Load) -> None:
    assert code_digest(load(inner="kernel")) != code_digest(load(inner="borrowing_kernel"))


def test_how_a_kernel_itself_is_compiled_counts(load: Load) -> None:
    assert code_digest(load(outer="kernel")) != code_digest(load(outer="borrowing_kernel"))


RUN = """
import sys
import numba
import numpy as np
from numba.core import entrypoints
from numba.core.runtime import rtsys
from operators.dedup.jaccard import sort_distinct
from operators.fasttext.network import hash_bytes
data = np.frombuffer(b"words", np.uint8)
found = hash_bytes(data, np.uintp(0), np.uintp(5))
print(found, sum(hash_bytes.stats.cache_hits.values()))
print("numba.np.linalg" in sys.modules, rtsys._init)
values = np.array([5, 3, 5], np.uint32)
print(sort_distinct(values, np.empty(3, np.uint32)), *values[:2], sum(sort_distinct.stats.cache_hits.values()))
print(rtsys._init, entrypoints._already_initialized)
print(numba.njit(lambda data: hash_bytes(data, np.uintp(0), np.uintp(5)))(data) == found)
"""


def test_compiled_code_is_found_again_without_the_compiler() -> None:
    root = Path(__file__).parents[3]
    command = [sys.executable, "-c", RUN]
    first, second = (
        subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout.splitlines()
        for _ in range(2)
    )
    assert second[0].split() == [first[0].split()[0], "1"]
    assert second[1] == "False False"  # neither the compiler nor its runtime, which this kernel does not call
    assert second[2] == "2 3 5 1"
    assert second[3] == "True False"  # a kernel that allocates calls it; what other packages add is never loaded
    assert second[4] == "True"  # it is there for what is compiled afterwards and calls it
