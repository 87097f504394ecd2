"""A missing extra is one line that says what to install."""

import sys

import pytest

from operators.models.engine import load_loss_scorer, needs_extra
from operators.models.settings import ModelSettings
from pipeline.errors import PlanError
from pipeline.folder_ref import FolderRef


def test_a_missing_package_names_the_extra(monkeypatch):
    for module in [name for name in sys.modules if name.startswith(("operators.models.transformers_engine", "torch"))]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "torch", None)
    expected = (
        r'^test: expected the packages of the extra \'models\'; .*torch.*; run pip install "corpusmill\[models\]"'
    )
    with pytest.raises(PlanError, match=expected):
        load_loss_scorer("test", FolderRef(uri="model"), ModelSettings())


def test_other_errors_pass():
    with pytest.raises(ValueError, match="another"), needs_extra("test", "models"):
        raise ValueError("another")
