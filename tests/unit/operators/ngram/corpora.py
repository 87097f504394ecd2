"""Token ids as batches, a tokenizer of a given size, and interpolated Kneser-Ney written down with dictionaries."""

import math
from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pyarrow as pa
from tokenizers import Tokenizer
from tokenizers.models import WordLevel

from operators.ngram.model_file import NGRAM_FILE
from operators.ngram.train_ngram import TrainNgram
from pipeline.operator import FileRef, TaskInputs

Corpus = list[list[int]]
VOCAB = 7


def token_column(corpus: Corpus) -> pa.Array:
    return pa.array(corpus, pa.large_list(pa.uint32()))


class Rows:
    """Documents in batches that end at `cuts`."""

    def __init__(self, corpus: Corpus, cuts: tuple[int, ...] = ()) -> None:
        bounds = [0, *sorted(min(cut, len(corpus)) for cut in cuts), len(corpus)]
        self._parts = [corpus[begin:end] for begin, end in pairwise(bounds)]
        self.schema = pa.schema([("tokens", pa.large_list(pa.uint32()))])

    def batches(self, columns: tuple[str, ...] | None = None) -> Iterator[tuple[int, pa.RecordBatch]]:
        assert columns == ("tokens",)
        for part in self._parts:
            yield 0, pa.record_batch([token_column(part)], schema=self.schema)


def tokenizer_of(folder: Path, size: int = VOCAB) -> FileRef:
    path = folder / "tokenizer.json"
    Tokenizer(WordLevel({str(n): n for n in range(size)}, unk_token="0")).save(str(path))
    return FileRef(uri=path.name).pin(path)


def train(folder: Path, corpus: Corpus, *, order: int = 5, size: int = VOCAB, cuts: tuple[int, ...] = ()) -> Path:
    """The model of a corpus; nothing else is left in its folder."""
    operator = TrainNgram(tokenizer=tokenizer_of(folder, size), order=order)
    target = folder / "model"
    target.mkdir()
    assert list(operator.open()(TaskInputs(Rows(corpus, cuts), {}, (), target))) == []
    assert [path.name for path in target.iterdir()] == [NGRAM_FILE]
    return target / NGRAM_FILE


class PlainModel:
    """The same probabilities from counts in dictionaries."""

    def __init__(self, corpus: Corpus, order: int, size: int = VOCAB) -> None:
        self._size = size
        counts: dict[tuple[int, ...], int] = defaultdict(int)
        before: dict[tuple[int, ...], set[int]] = defaultdict(set)
        for document in corpus:
            for begin in range(len(document)):
                for end in range(begin + 1, min(begin + order, len(document)) + 1):
                    counts[tuple(document[begin:end])] += 1
                    before[tuple(document[begin + 1 : end])].add(document[begin])
        left = {gram: max(len(before[gram]), 1) for gram in counts if len(gram) < order}
        self._tables = {False: self._tabled(counts), True: self._tabled(left)}

    def _tabled(self, counts):
        followers: dict[tuple[int, ...], dict[int, int]] = defaultdict(dict)
        by_order: dict[int, list[int]] = defaultdict(list)
        for gram, count in counts.items():
            followers[gram[:-1]][gram[-1]] = count
            by_order[len(gram)].append(count)
        discounts = {
            order: (found.count(1) + 1) / (found.count(1) + 2 * found.count(2) + 2) for order, found in by_order.items()
        }
        return followers, discounts

    def probability(self, context: tuple[int, ...], number: int, *, of_left: bool = False) -> float:
        """Of an id after a context, by occurrences or by what stands before."""
        followers, discounts = self._tables[of_left]
        shorter = self.probability(context[1:], number, of_left=True) if context else 1 / self._size
        found = followers.get(context)
        if not found:
            return shorter
        discount = discounts[len(context) + 1]
        seen = max(found.get(number, 0) - discount, 0)
        return (seen + discount * len(found) * shorter) / sum(found.values())

    def nats(self, document: list[int], order: int) -> float:
        """Of a document under the model of an order."""
        return -sum(
            math.log(self.probability(tuple(document[max(i - order + 1, 0) : i]), number))
            for i, number in enumerate(document)
        )
