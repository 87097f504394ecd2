"""Datasets that `make formats` has written, for readers in environments of their own: numpy and pytest alone."""

import json
import os
from pathlib import Path

import numpy as np
import pytest

RUN = Path(os.environ.get("CORPUSMILL_FORMATS", "runs/formats"))


@pytest.fixture(scope="session")
def datasets():
    """Of each step that wrote files: the folder, and the tokens that its manifest counts."""
    if not (RUN / "datasets.json").is_file():
        pytest.skip(f"no datasets in {RUN}: `make formats` writes them")
    return json.loads((RUN / "datasets.json").read_text())


@pytest.fixture(scope="session")
def folder(datasets):
    """`folder(step)`: where its dataset lies."""
    return lambda step: Path(datasets[step]["folder"])


@pytest.fixture(scope="session")
def expected(datasets):
    """Arrays: tokens, lengths, doc_ids, sources of documents with tokens; shard_tokens; flat, flat_lengths."""
    del datasets
    with np.load(RUN / "expected.npz") as file:
        return dict(file)
