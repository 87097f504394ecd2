"""A fastText classifier over Arrow text: what operators use. Its labels and probabilities are those of `fasttext`."""

from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from operators.fasttext.hidden import Scratch, hidden_layer, scratch_for
from operators.fasttext.labels import NO_LABEL, best_labels, probability_of
from operators.fasttext.model_file import Floats, Integers, Offsets, read_model
from operators.fasttext.network import Network, build_network
from operators.fasttext.rows import num_sums
from operators.fasttext.word_cache import WordCache, word_cache_for
from pipeline.kernel import Bytes, borrowing_kernel


class Predictions(NamedTuple):
    """The K best labels of each of D texts, the best first."""

    labels: Integers  # (D, K) or NO_LABEL
    probabilities: Floats  # (D, K) 0 where there is no label; by rounding up to 1.00001


class Classifier:
    """A model that is loaded, with the memory of the words that it saw, which speeds it up and changes no result.

    Texts are `data[begins[d]:ends[d]]`. A line feed is a separator like a space. A text ends at a `</s>` between
    separators, and nothing is said of an empty one.
    """

    def __init__(self, path: Path) -> None:
        """Maps the file. Raises ModelFormatError."""
        model = read_model(path)
        self.labels: Final = model.labels
        self._network: Final = build_network(model)
        self._cache: Final = word_cache_for(self._network)

    def best(self, data: Bytes, begins: Offsets, ends: Offsets, num_labels: int) -> Predictions:
        """The best `num_labels` labels of each text, or all if there are fewer."""
        shape = len(begins), min(num_labels, len(self.labels))
        found = Predictions(np.full(shape, NO_LABEL, np.int32), np.zeros(shape, np.float32))
        _predict(data, begins, ends, self._network, self._cache, self._scratch(begins, ends), found)
        return found

    def probability(self, data: Bytes, begins: Offsets, ends: Offsets, label: int) -> Floats:
        """The probability of one label, by its place in `labels`; 0 where nothing is said of a text."""
        found = np.zeros(len(begins), np.float32)
        _score(data, begins, ends, np.int32(label), self._network, self._cache, self._scratch(begins, ends), found)
        return found

    def _scratch(self, begins: Offsets, ends: Offsets) -> "_Scratch":
        num_labels = len(self.labels)
        return _Scratch(
            scratch_for(self._network, int((ends - begins).max(initial=0))),
            np.zeros(num_sums(self._network), np.float32),
            np.zeros(num_labels, np.float32),
            np.zeros(2 * num_labels, np.int32),
            np.zeros(2 * num_labels, np.float32),
        )


class _Scratch(NamedTuple):
    """Memory that one text after another uses."""

    words: Scratch
    hidden: Floats  # (H,)
    outputs: Floats  # (L,)
    stack: Integers  # (2 L,)
    stack_scores: Floats  # (2 L,)


@borrowing_kernel
def _predict(
    data: Bytes,
    begins: Offsets,
    ends: Offsets,
    network: Network,
    cache: WordCache,
    scratch: _Scratch,
    found: Predictions,
) -> None:
    """Fills in the predictions of D texts."""
    for k in range(begins.shape[0]):
        text = np.uintp(k)
        begin, end = np.uintp(begins[text]), np.uintp(ends[text])
        if begin < end and hidden_layer(data, begin, end, network, cache, scratch.words, scratch.hidden):
            best_labels(
                scratch.hidden,
                network,
                scratch.outputs,
                scratch.stack,
                scratch.stack_scores,
                found.labels[text],
                found.probabilities[text],
            )


@borrowing_kernel
def _score(
    data: Bytes,
    begins: Offsets,
    ends: Offsets,
    label: np.int32,
    network: Network,
    cache: WordCache,
    scratch: _Scratch,
    found: Floats,
) -> None:
    """Fills in the probability of one label for D texts."""
    for k in range(begins.shape[0]):
        text = np.uintp(k)
        begin, end = np.uintp(begins[text]), np.uintp(ends[text])
        if begin < end and hidden_layer(data, begin, end, network, cache, scratch.words, scratch.hidden):
            found[text] = probability_of(label, scratch.hidden, network, scratch.outputs, scratch.stack)
