"""Scoring: fastText's own probability for the line that the text becomes."""

from collections.abc import Iterator
from pathlib import Path

import fasttext
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from operators.fasttext.fasttext_score import FastTextScore
from operators.fasttext.train_fasttext import TrainFastText
from pipeline.errors import PlanError
from pipeline.operator import FileRef, TaskInputs

LID = Path(__file__).parents[4] / ".." / "shared" / "data" / "models" / "lid.176.ftz"


class TrainingRows:
    """Two classes that share no word."""

    @property
    def schema(self) -> pa.Schema:
        return next(self.batches())[1].schema

    def batches(self, columns: tuple[str, ...] | None = None) -> Iterator[tuple[int, pa.RecordBatch]]:
        del columns
        yield (
            0,
            pa.record_batch(
                {
                    "doc_id": pa.array([bytes([n]) * 16 for n in range(200)], pa.binary(16)),
                    "text": pa.array(["theorem proof lemma hence", "buy cheap now click"] * 100, pa.large_string()),
                    "source": pa.array(["1", "0"] * 100),
                }
            ),
        )


def pinned(path: Path) -> FileRef:
    return FileRef(uri=path.name).pin(path)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> FileRef:
    folder = tmp_path_factory.mktemp("model")
    trainer = TrainFastText(positive=("1",), negative=("0",), dim=8, bucket=1000, epoch=25)
    list(trainer.open()(TaskInputs(rows=TrainingRows(), tables={}, base_rows=(), directory=folder)))
    return pinned(folder / "model.bin")


def score(operator: FastTextScore, texts: list[str | None]) -> pa.RecordBatch:
    out = operator.open()(pa.record_batch({"text": pa.array(texts, pa.large_string())}))
    out.validate(full=True)
    assert out.schema == operator.adds()
    return out


def expected(model: FileRef, line: str, label: str = "__label__1") -> np.float32:
    labels, probabilities = fasttext.load_model(model.path).predict(line, k=-1)
    return np.float32(round(float(probabilities[labels.index(label)]), 6))


def near(probability: object) -> object:
    """Sums are in another order than fastText's, and six decimals are stored."""
    return pytest.approx(probability, abs=1e-5)


def test_the_score_is_the_models_probability(model: FileRef) -> None:
    lines = ["theorem proof", "buy cheap theorem", "click now 中文"]
    scores = score(FastTextScore(model=model), lines)["quality_score"].to_pylist()
    assert scores == near([expected(model, line) for line in lines])
    assert scores[0] > 0.9 > 0.1 > scores[2]
    other = score(FastTextScore(model=model, label="__label__0", column="junk"), lines)["junk"].to_pylist()
    assert other == near([expected(model, line, "__label__0") for line in lines])


def test_a_newline_is_a_space_or_nothing(model: FileRef) -> None:
    text = "  theorem\nbuy cheap\n"
    assert score(FastTextScore(model=model), [text])[0][0].as_py() == near(expected(model, "theorem buy cheap"))
    assert score(FastTextScore(model=model, newline=""), [text])[0][0].as_py() == near(
        expected(model, "theorembuy cheap")
    )
    assert expected(model, "theorem buy cheap") != expected(model, "theorembuy cheap")


def test_num_chars_counts_the_text_as_stored(model: FileRef) -> None:
    assert score(FastTextScore(model=model), [" é中\U0001f600\n", "", None])["num_chars"].to_pylist() == [5, 0, 0]


def test_an_empty_text_scores_nothing(model: FileRef) -> None:
    assert score(FastTextScore(model=model), ["", " \n\u00a0", None])["quality_score"].to_pylist() == [0, 0, 0]
    assert score(FastTextScore(model=model), []).num_rows == 0


def test_a_nul_and_control_characters_are_scored(model: FileRef) -> None:
    assert score(FastTextScore(model=model), ["theorem\0proof\r\v"])[0][0].as_py() == near(
        expected(model, "theorem proof")
    )


@settings(deadline=None)
@given(texts=st.lists(st.text(max_size=20), max_size=8), cut=st.integers(0, 8))
def test_splitting_changes_nothing(model: FileRef, texts: list[str], cut: int) -> None:
    annotate = FastTextScore(model=model).open()
    whole, *parts = (
        annotate(pa.record_batch({"text": pa.array(part, pa.large_string())}))
        for part in (texts, texts[:cut], texts[cut:])
    )
    assert pa.Table.from_batches(parts).to_pylist() == whole.to_pylist()


def test_another_label_or_file_is_refused(model: FileRef, tmp_path: Path) -> None:
    with pytest.raises(
        PlanError, match=r"'__label__2'; found 2 labels, the first of them \['__label__0', '__label__1'\]"
    ):
        FastTextScore(model=model, label="__label__2").open()
    (tmp_path / "model.bin").write_bytes(b"no model at all")
    with pytest.raises(PlanError, match=r"'model.bin': expected a fastText model"):
        FastTextScore(model=pinned(tmp_path / "model.bin")).open()


def test_word_vectors_are_no_classifier(tmp_path: Path) -> None:
    (tmp_path / "words.txt").write_text("a b c d e\n" * 20)
    fasttext.train_unsupervised(str(tmp_path / "words.txt"), dim=4, bucket=100, verbose=0, thread=10).save_model(
        str(tmp_path / "model.bin")
    )
    with pytest.raises(PlanError, match=r"expected a classifier .*; found word vectors"):
        FastTextScore(model=pinned(tmp_path / "model.bin")).open()


@pytest.mark.skipif(not LID.is_file(), reason="../shared/data/models is absent")
def test_loading_prints_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    operator = FastTextScore(model=pinned(LID), label="__label__en")
    english, german = score(operator, ["This is plain English text.", "Das ist ein deutscher Satz."])[0].to_pylist()
    assert english > 0.9 > 0.1 > german
    assert capfd.readouterr() == ("", "")
