"""Finding children, and what stands before n-grams."""

from pathlib import Path

import numpy as np

from operators.ngram.model_file import read_model
from operators.ngram.trie import NO_NODE, NgramModel, find_child
from tests.unit.operators.ngram.corpora import train

CORPUS = [[1, 2, 3], [4, 2, 3], [1, 2], [2, 2, 3]]


def node_of(model: NgramModel, *ngram: int) -> int:
    node = np.uint64(0)
    for number in ngram:
        node = find_child(np.uint32(number), node, model.ids, model.begins)
        if node == NO_NODE:
            return -1
    return int(node)


def test_children_are_found_and_others_are_not(tmp_path: Path) -> None:
    _, model = read_model(train(tmp_path, CORPUS, order=3))
    assert model.ids[1:5].tolist() == [1, 2, 3, 4]
    assert model.counts[node_of(model, 2)] == 5
    assert model.counts[node_of(model, 2, 3)] == 3
    assert model.counts[node_of(model, 1, 2, 3)] == 1
    for absent in ([0], [5], [2, 1], [2, 4], [3, 1], [1, 2, 2]):
        assert node_of(model, *absent) == -1


def test_different_ids_that_stand_before(tmp_path: Path) -> None:
    header, model = read_model(train(tmp_path, CORPUS, order=3))
    inner = sum(header.num_nodes[:-1])
    assert len(model.left_counts) == inner
    assert model.left_counts[node_of(model, 2)] == 3, "1, 4 and 2"
    assert model.left_counts[node_of(model, 3)] == 1
    assert model.left_counts[node_of(model, 2, 3)] == 3
    assert model.left_counts[node_of(model, 1)] == 1, "it only begins documents"
    assert model.left_totals[0] == model.left_counts[1:5].sum()
    assert model.left_totals[node_of(model, 2)] == 1 + 3, "2 2 begins a document, and three ids precede 2 3"
    assert model.left_totals[node_of(model, 2, 3)] == 0
