"""datatrove's tokenized files, read with the datasets that nanotron uses."""

import numpy as np
import pytest

reader = pytest.importorskip("datatrove.utils.dataset", reason="datatrove is in the environment of `make formats`")

SEQ_LEN = 63


@pytest.mark.parametrize(
    ("step", "token_size", "stream"), [("datatrove_ds", 2, "tokens"), ("datatrove_flat", 4, "flat")]
)
def test_windows_of_each_file(step, token_size, stream, folder, expected):
    dataset = reader.DatatroveFolderDataset(str(folder(step)), SEQ_LEN, token_size=token_size)
    files = sorted(folder(step).glob("*.ds"))
    windows = [np.asarray(dataset[number]["input_ids"]) for number in range(len(dataset))]
    at = start = 0
    for file in files:
        num_tokens = file.stat().st_size // token_size
        for number in range(num_tokens // (SEQ_LEN + 1)):
            begin = start + number * (SEQ_LEN + 1)
            np.testing.assert_array_equal(windows[at], expected[stream][begin : begin + SEQ_LEN + 1])
            at += 1
        start += num_tokens
    assert (at, start) == (len(windows), len(expected[stream]))


def test_positions_come_from_the_ends_of_documents(folder, expected):
    first = min(folder("datatrove_ds").glob("*.ds"))
    dataset = reader.DatatroveFileDataset(str(first), SEQ_LEN, token_size=2, return_positions=True)
    position = np.concatenate([np.arange(length) for length in expected["lengths"]])
    for number in range(min(len(dataset), 200)):
        begin = number * (SEQ_LEN + 1)
        found = np.asarray(dataset[number]["positions"])
        # The reader counts from the start of its window until the first document ends in it.
        here = position[begin : begin + SEQ_LEN + 1]
        fresh = np.flatnonzero(here == 0)
        start = int(fresh[0]) if len(fresh) else len(here)
        np.testing.assert_array_equal(found[:start], np.arange(start))
        np.testing.assert_array_equal(found[start:], here[start:])


def test_the_loss_has_a_byte_for_each_token(folder):
    for file in folder("datatrove_flat").glob("*.ds"):
        loss = np.fromfile(f"{file}.loss", np.bool_)
        assert 4 * len(loss) == file.stat().st_size
        assert 0 < loss.sum() < len(loss)
