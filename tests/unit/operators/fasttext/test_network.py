import heapq
import itertools

import fasttext
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from operators.fasttext.model_file import read_model
from operators.fasttext.network import (
    END_HASH,
    END_OF_LINE,
    NO_ROW,
    build_network,
    find_entry,
    hash_bytes,
    inverse_of,
    key_of,
    label_tree,
    remainder,
    sigmoid_table,
)
from operators.fasttext.train_fasttext import zeroed_allocations


def fnv(word: bytes) -> int:
    value = 2166136261
    for byte in word:
        value = ((value ^ ((byte - 256 if byte > 127 else byte) & 0xFFFFFFFF)) * 16777619) & 0xFFFFFFFF
    return value


@settings(deadline=None, derandomize=True)
@given(st.text(max_size=12))
def test_the_hash_is_that_of_signed_bytes(word):
    data = np.frombuffer(b" " + word.encode(), np.uint8)
    assert int(hash_bytes(data, np.uintp(1), np.uintp(len(data)))) == fnv(word.encode())


@settings(deadline=None, derandomize=True)
@given(st.integers(0, 2**32 - 1), st.one_of(st.integers(1, 2**31 - 1), st.just(2_000_000)), st.integers(0, 2**31))
def test_a_remainder_is_that_of_the_division(value, divisor, times):
    for number in (value, min(times * divisor, 2**32 - 1), min(times * divisor + divisor - 1, 2**32 - 1)):
        found = remainder(np.uint32(number), np.uint64(divisor), np.uint64(inverse_of(divisor)))
        assert found == number % divisor


def test_the_end_of_a_line_has_its_hash():
    assert int(END_HASH) == fnv(END_OF_LINE)


@settings(deadline=None, derandomize=True)
@given(st.binary(max_size=30), st.binary(max_size=9), st.binary(max_size=9))
def test_a_key_is_that_of_the_bytes_wherever_they_stand(word, before, behind):
    def key(data, begin):
        return int(key_of(np.frombuffer(data, np.uint8), np.uintp(begin), np.uintp(begin + len(word))))

    assert key(word, 0) == key(before + word + behind, len(before)) != 0


def test_words_that_differ_have_keys_that_differ():
    words = {bytes([byte]) * size + end for byte in range(256) for size in range(20) for end in (b"", b"\0", b"a")}
    keys = {int(key_of(np.frombuffer(word, np.uint8), np.uintp(0), np.uintp(len(word)))) for word in words}
    assert len(keys) == len(words)


def test_every_word_is_found_and_no_other(tmp_path):
    words = [f"w{number}" for number in range(500)] + ["été", "中文"]
    (tmp_path / "lines.txt").write_text("".join(f"__label__{i % 3} {word}\n" for i, word in enumerate(words)))
    with zeroed_allocations():
        model = fasttext.train_supervised(str(tmp_path / "lines.txt"), dim=2, thread=1, verbose=0, minCount=1, epoch=1)
    model.save_model(str(tmp_path / "model.bin"))
    network = build_network(read_model(tmp_path / "model.bin"))

    def entry(word):
        data = np.frombuffer(word.encode(), np.uint8)
        key = key_of(data, np.uintp(0), np.uintp(len(data)))
        return find_entry(np.uint64(key), network.keys, network.entries)

    assert [entry(word) for word in words] == [model.get_word_id(word) for word in words]
    assert entry("w500") == entry("") == NO_ROW
    assert entry("__label__1") >= network.num_words
    assert network.end_entry == model.get_word_id("</s>")


def least_total(counts):
    """The sum of a Huffman tree's inner nodes: the least there is."""
    heap, total = list(counts), 0
    heapq.heapify(heap)
    while len(heap) > 1:
        both = heapq.heappop(heap) + heapq.heappop(heap)
        total += both
        heapq.heappush(heap, both)
    return total


@given(st.lists(st.integers(1, 50), min_size=1, max_size=30))
def test_the_tree_is_a_huffman_tree_of_all_labels(counts):
    counts = sorted(counts, reverse=True)
    left, right, parents = label_tree(np.array(counts))
    weights = list(counts)
    for node in range(len(counts), len(left)):
        weights.append(weights[left[node]] + weights[right[node]])
        assert parents[left[node]] == parents[right[node]] == node
    assert sum(weights[len(counts) :]) == least_total(counts)
    assert parents[-1] == NO_ROW
    assert all(parents[:-1] >= len(counts))
    assert set(left[: len(counts)]) == set(right[: len(counts)]) == {NO_ROW}


def test_the_sigmoid_is_a_table_of_513_steps():
    table = sigmoid_table()
    assert len(table) == 513
    assert table[[0, 256, 512]] == pytest.approx([1 / (1 + np.exp(8)), 0.5, 1 / (1 + np.exp(-8))])
    assert all(before < after for before, after in itertools.pairwise(table))
