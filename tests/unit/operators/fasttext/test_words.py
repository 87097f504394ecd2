import fasttext
import numpy as np
import pytest

from operators.fasttext.model_file import read_model
from operators.fasttext.network import build_network, key_of
from operators.fasttext.train_fasttext import zeroed_allocations
from operators.fasttext.word_cache import NO_WORD
from operators.fasttext.words import sum_word, word_scratch_for


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model")
    lines = "".join(f"__label__l{number} alpha beta été 中文字 {number}\n" for number in range(8))
    (folder / "lines.txt").write_text(lines * 4)
    with zeroed_allocations():
        trained = fasttext.train_supervised(
            str(folder / "lines.txt"), dim=16, bucket=97, minn=2, maxn=3, loss="hs", thread=1, verbose=0
        )
    trained.save_model(str(folder / "model.bin"))
    return trained, build_network(read_model(folder / "model.bin"))


def sum_of(network, word):
    data = np.frombuffer(word.encode(), np.uint8)
    scratch = word_scratch_for(network, len(data))
    end = np.uintp(len(data))
    key = key_of(data, np.uintp(0), end)
    return sum_word(data, np.uintp(0), end, np.uint64(key), network, scratch), scratch.sum[0]


@pytest.mark.parametrize("word", ["alpha", "été", "中文字", "unknown", "x", "é", "<", "alphabet" * 60, "\u3000中"])
def test_a_word_has_the_rows_that_fasttext_gives_it(model, word):
    trained, network = model
    _, rows = trained.get_subwords(word)
    num_rows, found = sum_of(network, word)
    assert num_rows == len(rows)
    expected = np.zeros(16, np.float32)
    for row in rows:
        expected += trained.get_input_matrix()[row]
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("word", ["__label__l3", "__label__nowhere", "__label__"])
def test_labels_are_no_words(model, word):
    assert sum_of(model[1], word)[0] == NO_WORD
