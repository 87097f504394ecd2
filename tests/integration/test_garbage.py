"""What a build makes is let go when its last use is over: Python looks for cycles seldom in a worker."""

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.builds import run_build
from tests.integration.everything import everything


@pytest.fixture
def garbage() -> Iterator[list[object]]:
    """What was only found by looking for cycles."""
    gc.collect()
    gc.disable()
    gc.set_debug(gc.DEBUG_SAVEALL)
    yield gc.garbage
    gc.set_debug(0)
    gc.garbage.clear()
    gc.enable()


def test_a_build_makes_no_cycles_of_its_own(corpus: Path, tmp_path: Path, garbage: list[object]) -> None:
    run_build(everything(), corpus, tmp_path / "out")
    gc.collect()
    kinds = {f"{type(one).__module__}.{type(one).__qualname__}" for one in garbage}
    assert kinds  # other packages make some, such as each file of Parquet that is opened
    assert [kind for kind in kinds if kind.startswith(("pipeline.", "operators."))] == []
