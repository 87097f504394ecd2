"""The input of fault tests, and what an undisturbed build makes of it."""

from pathlib import Path

import pytest

from tests.builds import Built, run_build
from tests.corpus import write_files
from tests.faults.crashing import fragile
from tests.small import small_files


@pytest.fixture(scope="session")
def small_inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """240 documents in six files; nobody writes into them."""
    return write_files(tmp_path_factory.mktemp("small") / "in", small_files())


@pytest.fixture(scope="session")
def undisturbed(small_inputs: Path, tmp_path_factory: pytest.TempPathFactory) -> Built:
    """The build that nothing happened to; nobody writes into it."""
    return run_build(fragile(), small_inputs, tmp_path_factory.mktemp("undisturbed") / "out")
