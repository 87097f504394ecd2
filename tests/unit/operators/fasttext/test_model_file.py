import struct
from pathlib import Path

import fasttext
import numpy as np
import pytest

from operators.fasttext.model_file import ModelFormatError, read_model
from operators.fasttext.train_fasttext import zeroed_allocations


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model")
    (folder / "lines.txt").write_text("__label__a one two été\n__label__b three\n__label__a one\n" * 5)
    fields = {"dim": 6, "wordNgrams": 2, "bucket": 50, "loss": "hs", "minn": 2, "maxn": 3, "thread": 1, "verbose": 0}
    with zeroed_allocations():
        model = fasttext.train_supervised(str(folder / "lines.txt"), **fields)
    model.save_model(str(folder / "model.bin"))
    return model, (folder / "model.bin").read_bytes()


def read(folder: Path, data: bytes):
    (folder / "model.bin").write_bytes(data)
    return read_model(folder / "model.bin")


def test_what_a_file_says(trained, tmp_path):
    model, data = trained
    found = read(tmp_path, data)
    assert (found.dim, found.word_ngrams, found.loss, found.bucket) == (6, 2, "hs", 50)
    assert (found.min_subword, found.max_subword) == (2, 3)
    assert list(found.labels) == model.labels
    spans = zip(found.begins[: found.num_words], found.ends[: found.num_words], strict=True)
    assert [data[begin:end].decode() for begin, end in spans] == model.words
    assert found.label_counts.tolist() == model.get_labels(include_freq=True)[1].tolist()
    np.testing.assert_array_equal(found.input.floats, model.get_input_matrix())
    np.testing.assert_array_equal(found.output, model.get_output_matrix())
    assert found.pruned is None


def test_a_matrix_is_not_read_but_mapped(trained, tmp_path):
    found = read(tmp_path, trained[1])
    assert np.shares_memory(found.input.floats, found.data)
    assert not found.input.floats.flags.writeable


def test_classifiers_of_an_old_version_have_no_character_ngrams(trained, tmp_path):
    data = bytearray(trained[1])
    data[4:8] = struct.pack("<i", 11)
    assert read(tmp_path, bytes(data)).max_subword == 0


def test_a_file_that_ends_early_is_refused_wherever_it_ends(trained, tmp_path):
    data = trained[1]
    for size in [*range(0, len(data) - 1, 97), len(data) - 1]:
        with pytest.raises(ModelFormatError, match="expected"):
            read(tmp_path, data[:size])


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        (0, 1, "expected a fastText model"),
        (4, 13, "expected a fastText model"),
        (8, 7, "rows of 7 floats; found .* of 6"),
        (32, 9, "expected a classifier"),
        (36, 1, "expected a classifier"),
        (40, 60, r"expected 65 rows of 6 floats; found 55 of 6"),
        (40, 0, "expected buckets"),
        (72, 1, "expected .* words and labels|expected words and labels"),
    ],
)
def test_a_header_that_cannot_be_is_refused(trained, tmp_path, place, value, message):
    data = bytearray(trained[1])
    data[place : place + 4] = struct.pack("<i", value)
    with pytest.raises(ModelFormatError, match=message):
        read(tmp_path, bytes(data))
