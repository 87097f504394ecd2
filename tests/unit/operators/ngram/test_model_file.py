"""The file of a model, and what is refused."""

from pathlib import Path

import numpy as np
import pytest

from operators.ngram.model_file import MAGIC, NgramFormatError, discount, read_model
from tests.unit.operators.ngram.corpora import train


def test_a_file_says_what_it_holds(tmp_path: Path) -> None:
    header, model = read_model(train(tmp_path, [[1, 2, 1, 2], [], [3]], order=2))
    assert header.model_dump() == {
        "order": 2,
        "vocab_size": 7,
        "num_documents": 2,
        "num_tokens": 5,
        "num_nodes": (1, 3, 2),
    }
    assert model.ids.tolist() == [0, 1, 2, 3, 2, 1]
    assert model.counts.tolist() == [0, 2, 2, 1, 2, 1]
    assert model.begins.tolist() == [1, 4, 5, 6, 6]
    assert model.totals.tolist() == [5, 2, 1, 0]
    assert model.discounts.tolist() == [2 / 7, 2 / 5]
    assert model.vocab_size == 7.0


def test_other_files_are_refused(tmp_path: Path) -> None:
    path = train(tmp_path, [[1, 2, 1, 2]])
    data = path.read_bytes()
    other = tmp_path / "other"
    for content, reason in (
        (b"", "a file of 0 bytes"),
        (b"\0" * 100, "another format"),
        (MAGIC + np.uint64(2).tobytes() + b"{}", "a header that says something else"),
        (data[:-1], f"of {len(data)} bytes; found {len(data) - 1}"),
        (data + b"\0", f"found {len(data) + 1}"),
    ):
        other.write_bytes(content)
        with pytest.raises(NgramFormatError, match=reason):
            read_model(other)


def test_discounts_lie_between_nothing_and_everything() -> None:
    assert discount(np.array([1, 1, 2, 5], np.uint32)) == 3 / 6
    for counts in ([], [1] * 9, [2] * 9, [3]):
        assert 0 < discount(np.array(counts, np.uint32)) < 1
