"""These tests need a GPU; elsewhere each of them is skipped and says so."""

import pytest


@pytest.fixture(autouse=True)
def _on_a_gpu() -> None:
    torch = pytest.importorskip("torch", reason="needs the extra models")
    if not torch.cuda.is_available():
        pytest.skip("needs a GPU that torch sees")
