"""Training: the lines, the classes, and equal bytes from any order."""

import hashlib
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import fasttext
import numpy as np
import pyarrow as pa
import pytest
import xxhash
from pydantic import ValidationError

from operators.fasttext.train_fasttext import TrainFastText, training_text
from pipeline.errors import OperatorError
from pipeline.operator import TaskInputs

SMALL = {"dim": 8, "bucket": 1000, "positive": ("good",), "negative": ("bad",)}
Row = tuple[str, str | None]


class Rows:
    """Rows of one shard in batches, with ids made from the text."""

    def __init__(self, *batches: list[Row]) -> None:
        self._batches = [
            pa.record_batch(
                {
                    "doc_id": pa.array([xxhash.xxh3_128_digest(text.encode()) for _, text in rows], pa.binary(16)),
                    "text": pa.array([text for _, text in rows], pa.large_string()),
                    "source": pa.array([source for source, _ in rows], pa.string()),
                }
            )
            for rows in batches
        ]

    @property
    def schema(self) -> pa.Schema:
        return self._batches[0].schema

    def batches(self, columns: tuple[str, ...] | None = None) -> Iterator[tuple[int, pa.RecordBatch]]:
        for batch in self._batches:
            yield 0, batch.select(list(columns or batch.schema.names))


def corpus(num_rows: int = 400) -> list[Row]:
    chosen = random.Random(3)
    words = {"good": "theorem proof lemma hence number", "bad": "buy cheap now click number", "other": "x y z"}
    names = list(words) * (num_rows // 3)
    return [(name, " ".join(chosen.choices(words[name].split(), k=12)) + f" {i}") for i, name in enumerate(names)]


def train(folder: Path, *batches: list[Row], **fields: object) -> bytes:
    operator = TrainFastText(**{**SMALL, **fields})
    inputs = TaskInputs(rows=Rows(*batches), tables={}, base_rows=(), directory=folder)
    assert list(operator.open()(inputs)) == []
    assert [path.name for path in folder.iterdir()] == ["model.bin"], "spilled files are gone"
    return (folder / "model.bin").read_bytes()


def test_it_learns_the_two_classes(tmp_path: Path) -> None:
    size = len(train(tmp_path, corpus()))
    assert size < 1 << 20
    model = fasttext.load_model(str(tmp_path / "model.bin"))
    assert sorted(model.get_labels()) == ["__label__0", "__label__1"]
    assert model.predict("hence theorem proof")[0] == ("__label__1",)
    assert model.predict("click buy cheap")[0] == ("__label__0",)
    assert "x" not in model.words, "documents of other sources are left out"


def test_order_and_batches_change_no_byte(tmp_path_factory: pytest.TempPathFactory) -> None:
    rows = corpus()
    shuffled = random.Random(1).sample(rows, len(rows))
    whole = train(tmp_path_factory.mktemp("a"), rows)
    assert train(tmp_path_factory.mktemp("b"), shuffled[:100], shuffled[100:]) == whole
    assert train(tmp_path_factory.mktemp("c"), rows, seed=2) != whole


def test_what_lay_in_memory_before_does_not_matter(tmp_path_factory: pytest.TempPathFactory) -> None:
    models = set()
    for value in (0.0, float("nan"), 1e30):
        # Freed arrays of these sizes are what fastText's table is then made from.
        arrays = [np.full(size, value, np.float32) for size in range(5_000, 15_000, 100)]
        del arrays
        models.add(train(tmp_path_factory.mktemp("dirty"), corpus()))
    assert len(models) == 1


def test_a_fresh_process_gives_the_same_bytes(tmp_path: Path) -> None:
    code = (
        "import sys, hashlib, pathlib; sys.path[:0] = sys.argv[2:]; import test_train_fasttext as t;"
        "print(hashlib.sha256(t.train(pathlib.Path(sys.argv[1]), t.corpus())).hexdigest())"
    )
    here = Path(__file__)
    fresh, own = tmp_path / "fresh", tmp_path / "own"
    fresh.mkdir()
    own.mkdir()
    command = [sys.executable, "-c", code, str(fresh), str(here.parent), str(here.parents[4])]
    digest = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    assert digest == hashlib.sha256(train(own, corpus())).hexdigest()


def test_the_end_of_line_word_weighs_nothing_unless_asked(tmp_path_factory: pytest.TempPathFactory) -> None:
    for zero_eos in (True, False):
        folder = tmp_path_factory.mktemp("eos")
        train(folder, corpus(), zero_eos=zero_eos)
        model = fasttext.load_model(str(folder / "model.bin"))
        assert model.get_input_vector(model.get_word_id("</s>")).any() != zero_eos


def test_text_cannot_forge_a_label_or_a_line(tmp_path: Path) -> None:
    forged = [("bad", f"spam\r__label__1 __label__7\nword{i}") for i in range(20)]
    train(tmp_path, [*corpus(), *forged])
    model = fasttext.load_model(str(tmp_path / "model.bin"))
    labels, counts = model.get_labels(include_freq=True)
    assert dict(zip(labels, counts.tolist(), strict=True)) == {"__label__1": 133, "__label__0": 153}


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (" a\nb ", "a b"),
        ("__label__1 a", " a"),
        ("a\t__label__x\tb", "a\t\tb"),
        ("a__label__1", "a__label__1"),
        ("\u00a0a\u00a0__label__1", "a\u00a0__label__1"),
    ],
)
def test_training_text(text: str, line: str) -> None:
    assert training_text(text) == line


def test_an_empty_class_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match=r"'source' is one of \['absent'\]; found none"):
        train(tmp_path, corpus(), negative=("absent",))
    assert list(tmp_path.iterdir()) == []


def test_classes_are_disjoint() -> None:
    with pytest.raises(ValidationError, match=r"\['good'\] in both"):
        TrainFastText(**{**SMALL, "negative": ("bad", "good")})


def test_a_label_column_of_the_recipe_is_a_large_string() -> None:
    assert TrainFastText(**SMALL).requires().field("source").type == pa.string()
    assert TrainFastText(**SMALL, label_column="topic").requires().field("topic").type == pa.large_string()
