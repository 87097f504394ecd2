"""The corpus, and one undisturbed local build of the recipe with everything, for all tests that compare with it."""

from pathlib import Path

import pytest

from tests.builds import Built, run_build
from tests.corpus import write_corpus
from tests.integration.everything import everything


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The corpus; nobody writes into it."""
    return write_corpus(tmp_path_factory.mktemp("corpus"))


@pytest.fixture(scope="session")
def reference(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Built:
    """The local build that every other way to build must equal; nobody writes into it."""
    return run_build(everything(), corpus, tmp_path_factory.mktemp("reference") / "out")
