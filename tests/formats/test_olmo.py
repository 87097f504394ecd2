"""OLMo's arrays and who their documents are, read with OLMo-core."""

import csv
import gzip

import numpy as np
import pytest

reader = pytest.importorskip("olmo_core.data", reason="ai2-olmo-core is in the environment of `make formats`")

SEQUENCE_LENGTH = 128


def paths(folder):
    return sorted(folder("olmo_npy").glob("*.npy"))


def test_documents_by_the_metadata(folder, expected):
    found = []
    for path in paths(folder):
        for start, end in reader.utils.iter_document_indices(path, use_array_if_local=False):
            found.append(reader.utils.load_array_slice(path, start, end, np.uint32))
    assert [len(document) for document in found] == expected["lengths"].tolist()
    np.testing.assert_array_equal(np.concatenate(found), expected["tokens"])


def test_ids_and_sources(folder, expected):
    lines = []
    for path in paths(folder):
        with gzip.open(path.with_suffix(".csv.gz"), "rt", newline="") as stream:
            lines += list(csv.reader(stream))
    assert [line[2] for line in lines] == expected["doc_ids"].tolist()
    assert [line[3] for line in lines] == expected["sources"].tolist()


def test_sequences_of_the_dataset(folder, expected, tmp_path):
    dataset = reader.NumpyFSLDataset(
        *paths(folder),
        sequence_length=SEQUENCE_LENGTH,
        pad_token_id=0,
        eos_token_id=1,
        vocab_size=65_000,
        dtype=np.uint32,
    )
    dataset.work_dir = tmp_path
    dataset.prepare()
    at = start = 0
    for num_tokens in expected["shard_tokens"].tolist():
        for number in range(num_tokens // SEQUENCE_LENGTH):
            begin = start + number * SEQUENCE_LENGTH
            window = expected["tokens"][begin : begin + SEQUENCE_LENGTH]
            np.testing.assert_array_equal(np.asarray(dataset[at]["input_ids"]), window)
            at += 1
        start += num_tokens
    assert at == len(dataset)
