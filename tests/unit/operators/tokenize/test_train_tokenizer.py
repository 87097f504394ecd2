"""Tokenizer training: ids, bytes that depend on the text alone, and the sample's bound."""

import hashlib
import json
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest
import xxhash
from pydantic import ValidationError
from tokenizers import Tokenizer

from operators.tokenize import train_tokenizer
from operators.tokenize.tokenizer import Tokenize
from operators.tokenize.train_tokenizer import TrainTokenizer
from pipeline.document import IdHasher
from pipeline.errors import OperatorError
from pipeline.operator import FileRef, TaskInputs


class Rows:
    """Rows of one shard in batches, with ids made from the text."""

    def __init__(self, *batches: list[str | None]) -> None:
        self._batches = [
            pa.record_batch(
                {
                    "doc_id": pa.array(
                        [xxhash.xxh3_128_digest((text or "").encode()) for text in texts], pa.binary(16)
                    ),
                    "text": pa.array(texts, pa.large_string()),
                }
            )
            for texts in batches
        ]

    @property
    def schema(self) -> pa.Schema:
        return self._batches[0].schema

    def batches(self, columns: tuple[str, ...] | None = None) -> Iterator[tuple[int, pa.RecordBatch]]:
        for batch in self._batches:
            yield 0, batch.select(list(columns or batch.schema.names))


def corpus(num_rows: int = 300) -> list[str]:
    chosen = random.Random(5)
    words = ["".join(chosen.choices("abcdefgh", k=chosen.randint(1, 7))) for _ in range(300)]
    return [f"{i}: " + " ".join(chosen.choices(words, k=20)) for i in range(num_rows)]


def train(folder: Path, *batches: list[str | None], **fields: object) -> bytes:
    operator = TrainTokenizer(**{"vocab_size": 500, **fields})
    inputs = TaskInputs(rows=Rows(*batches), tables={}, base_rows=(), directory=folder)
    assert list(operator.open()(inputs)) == []
    assert [path.name for path in folder.iterdir()] == ["tokenizer.json"]
    return (folder / "tokenizer.json").read_bytes()


def test_ids_are_specials_then_bytes_then_merges(tmp_path: Path) -> None:
    vocabulary = json.loads(train(tmp_path, corpus(), special_tokens=("<|endoftext|>", "<|pad|>")))["model"]["vocab"]
    assert len(vocabulary) == 500
    names = sorted(vocabulary, key=vocabulary.get)
    assert names[:2] == ["<|endoftext|>", "<|pad|>"]
    assert all(len(name) == 1 for name in names[2:258])
    assert all(len(name) > 1 for name in names[258:])


def test_every_text_comes_back_and_tokenize_reads_it(tmp_path: Path) -> None:
    train(tmp_path, corpus())
    file = FileRef(uri="tokenizer.json").pin(tmp_path / "tokenizer.json")
    texts = ["abc <|endoftext|>", "\t 中文 \U0001f600\r\n", "e\u0301"]
    doc_ids = IdHasher("tests", "texts").many(range(len(texts)))
    batch = pa.record_batch({"doc_id": doc_ids, "text": pa.array(texts, pa.large_string())})
    tokens = Tokenize(tokenizer=file).open()(batch)["tokens"].to_pylist()
    assert [row[-1] for row in tokens] == [0, 0, 0]
    assert [Tokenizer.from_file(file.path).decode(row[:-1]) for row in tokens] == texts


def test_order_and_batches_change_no_byte(tmp_path_factory: pytest.TempPathFactory) -> None:
    texts = corpus()
    shuffled = random.Random(1).sample(texts, len(texts))
    whole = train(tmp_path_factory.mktemp("a"), texts)
    assert train(tmp_path_factory.mktemp("b"), shuffled[:99], shuffled[99:]) == whole


def test_a_fresh_process_gives_the_same_bytes(tmp_path: Path) -> None:
    code = (
        "import sys, hashlib, pathlib; sys.path[:0] = sys.argv[2:]; import test_train_tokenizer as t;"
        "print(hashlib.sha256(t.train(pathlib.Path(sys.argv[1]), t.corpus())).hexdigest())"
    )
    here = Path(__file__)
    fresh, own = tmp_path / "fresh", tmp_path / "own"
    fresh.mkdir()
    own.mkdir()
    command = [sys.executable, "-c", code, str(fresh), str(here.parent), str(here.parents[4])]
    digest = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    assert digest == hashlib.sha256(train(own, corpus())).hexdigest()


@pytest.mark.parametrize("max_chars", [1, 500, 5000, 20_000])
def test_a_sample_keeps_its_bound_and_is_spread(max_chars: int) -> None:
    texts = corpus()
    taken = [
        text for part in train_tokenizer._sampled_texts(Rows(texts[:150], texts[150:]), max_chars) for text in part
    ]
    num_chars = sum(map(len, taken))
    assert num_chars <= max_chars
    assert num_chars >= 0.6 * max_chars or max_chars < 5000
    assert set(taken) <= set(texts)
    if max_chars == 20_000:
        assert 0.3 < sum(text in texts[:150] for text in taken) / len(taken) < 0.7


@pytest.mark.parametrize("max_chars", [None, 10**9])
def test_all_text_is_read_where_the_bound_allows(max_chars: int | None) -> None:
    rows = Rows(["a", None], ["bc"])
    assert list(train_tokenizer._sampled_texts(rows, max_chars)) == [["a"], ["bc"]]


def test_no_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match="no character"):
        train(tmp_path, ["", None])


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"vocab_size": 256}, "expected 257 .* found 256"),
        ({"vocab_size": 400, "special_tokens": ("a", "a")}, "distinct"),
        ({"vocab_size": 400, "special_tokens": ("",)}, "non-empty"),
    ],
)
def test_impossible_vocabularies_are_refused(fields: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        TrainTokenizer(**fields)
