"""Labels and probabilities are those of the `fasttext` package, for every kind of model that it writes."""

import itertools
import time
from pathlib import Path

import fasttext
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from operators.fasttext import model_file, word_cache
from operators.fasttext.classifier import Classifier
from operators.fasttext.train_fasttext import zeroed_allocations
from pipeline.kernel import text_buffers

TOLERANCE = 1e-5
TOPICS = {
    "fruit": "apple pear plum cherry grape melon lemon fig",
    "tools": "hammer saw drill wrench pliers chisel file plane",
    "Würze": "Pfeffer Salz Ingwer Zimt Kümmel Majoran Öl \U0001f336",
    "天气": "晴天 下雨 刮风 下雪 多云 打雷 彩虹 雾",
}
"""Some hundred lines of each train the models."""

WORDS = [word for topic in TOPICS.values() for word in topic.split()]
PIECES = [
    *WORDS, "unknown", "appl", "Ingwerr", "下雨天", "</s>", "__label__fruit", "__label__other", "a", "\u00e9", "<", ">",
    "\u3000", "\u00a0", "x" * 80, "é" * 70,
]  # fmt: skip
SEPARATORS = [" ", "  ", "\t", "\v", "\f", "\r", "\0", "\x1c", "\u2028"]

MODELS = {
    f"{loss}-{ngrams}": {"loss": loss, "wordNgrams": ngrams, "minn": minn, "maxn": maxn, "dim": dim, "bucket": 3000}
    for loss, (ngrams, minn, maxn), dim in zip(
        ["hs", "softmax", "ova", "ns", "softmax", "hs", "ova", "softmax"],
        [(1, 2, 4), (2, 0, 0), (1, 3, 5), (3, 0, 0), (3, 1, 3), (2, 0, 0), (2, 0, 2), (1, 0, 0)],
        [16, 20, 7, 33, 100, 5, 24, 8],
        strict=True,
    )
}
"""The losses, with and without character and word n-grams, with few and many columns for four labels."""
QUANTIZED = {
    "plain": {},
    "norms": {"qnorm": True},
    "output": {"qnorm": True, "qout": True},
    "cutoff": {"qnorm": True, "cutoff": 400},
    "retrained": {"cutoff": 400, "retrain": True, "epoch": 1, "lr": 0.1, "thread": 1, "verbose": 0},
    "wide parts": {"dsub": 3},
}


def training_lines(folder: Path, num_labels: int = 4) -> Path:
    """A line has words of its topic and some of the others; 300 labels make an output that can be quantized."""
    generator = np.random.default_rng(7)
    path = folder / "lines.txt"
    with path.open("w", encoding="utf-8") as out:
        for number in range(900):
            name, topic = list(TOPICS.items())[number % len(TOPICS)]
            label = name if num_labels == len(TOPICS) else f"l{number % num_labels}"
            own, others = generator.choice(topic.split(), 6), generator.choice(WORDS, 2)
            out.write(f"__label__{label} {' '.join([*own, *others, f'w{number % 500}'])}\n")
    return path


def train(folder: Path, *, num_labels: int = 4, **fields: object):
    defaults = {"epoch": 6, "lr": 0.5, "thread": 1, "verbose": 0, "minCount": 1, "seed": 3}
    with zeroed_allocations():  # with one thread fastText takes most of its first weights as it finds the memory
        return fasttext.train_supervised(str(training_lines(folder, num_labels)), **{**defaults, **fields})


def random_weights(model) -> None:
    """Weights that no initialisation of memory leaves to chance, and probabilities that differ from text to text."""
    generator = np.random.default_rng(11)
    shapes = model.get_input_matrix().shape, model.get_output_matrix().shape
    model.set_matrices(*(generator.normal(0, 1, shape).astype(np.float32) for shape in shapes))


@pytest.fixture(scope="module")
def texts() -> list[str]:
    generator = np.random.default_rng(5)
    found = ["", " ", "\0", "</s>", "__label__fruit", "apple </s> hammer", "a</s>b", "apple\0pear", "x", "晴天下雨"]
    for _ in range(150):
        parts = generator.choice(PIECES, generator.integers(1, 60))
        gaps = generator.choice(SEPARATORS, len(parts))
        found.append("".join(itertools.chain.from_iterable(zip(parts, gaps, strict=True))))
    return found


@pytest.fixture(scope="module", params=MODELS)
def saved(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    model = train(folder, **MODELS[request.param])
    random_weights(model)
    model.save_model(str(folder / "model.bin"))
    return folder / "model.bin"


def predicted(classifier: Classifier, texts: list[str], num_labels: int):
    data, offsets = text_buffers(pa.array(texts, pa.large_string()))
    found = classifier.best(data, offsets[:-1].copy(), offsets[1:].copy(), num_labels)
    return [
        {classifier.labels[label]: score for label, score in zip(*row, strict=True) if label >= 0}
        for row in zip(found.labels.tolist(), found.probabilities.tolist(), strict=True)
    ]


def check_against_package(path: Path, texts: list[str], num_labels: int) -> None:
    reference, classifier = fasttext.load_model(str(path)).f, Classifier(path)
    for text, found in zip(texts, predicted(classifier, texts, num_labels), strict=True):
        expected = {label: score for score, label in reference.predict(text + "\n", -1, 0.0, "strict")} if text else {}
        best = sorted(expected.values(), reverse=True)[:num_labels]
        assert list(found.values()) == pytest.approx(best, abs=TOLERANCE), repr(text)
        assert list(found.values()) == sorted(found.values(), reverse=True)
        assert found == pytest.approx({label: expected[label] for label in found}, abs=TOLERANCE), repr(text)


@pytest.mark.parametrize("num_labels", [1, 3, 9])
def test_every_kind_of_model(saved: Path, texts: list[str], num_labels: int) -> None:
    check_against_package(saved, texts, num_labels)


def test_one_label(saved: Path, texts: list[str]) -> None:
    classifier = Classifier(saved)
    data, offsets = text_buffers(pa.array(texts, pa.large_string()))
    every = predicted(classifier, texts, 4)
    for number, label in enumerate(classifier.labels):
        found = classifier.probability(data, offsets[:-1].copy(), offsets[1:].copy(), number)
        assert found.tolist() == pytest.approx([row.get(label, 0.0) for row in every], abs=1e-6)


@pytest.mark.parametrize("decoded_bytes", [0, 1 << 26])
@pytest.mark.parametrize("fields", QUANTIZED.values(), ids=QUANTIZED)
@pytest.mark.parametrize("kind", ["hs-1", "softmax-2"])
def test_quantized_models(kind, fields, decoded_bytes, texts, tmp_path, monkeypatch) -> None:
    model = train(tmp_path, num_labels=300, **MODELS[kind])
    extra = {"input": str(tmp_path / "lines.txt")} if "retrain" in fields else {}
    with zeroed_allocations():
        model.quantize(**fields, **extra)
    model.save_model(str(tmp_path / "model.ftz"))
    monkeypatch.setattr(model_file, "DECODED_BYTES", decoded_bytes)
    check_against_package(tmp_path / "model.ftz", texts, 2)


def test_products_and_means_agree(saved: Path, texts: list[str], monkeypatch) -> None:
    """A model of few labels sums products; the same model sums rows where it may not."""
    expected = predicted(Classifier(saved), texts, 4)
    monkeypatch.setattr("operators.fasttext.network.PRODUCT_BYTES", 0)
    for found, row in zip(predicted(Classifier(saved), texts, 4), expected, strict=True):
        assert found == pytest.approx(row, abs=TOLERANCE)


@settings(deadline=None, derandomize=True, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(drawn=st.lists(st.lists(st.sampled_from([*PIECES, *SEPARATORS]), max_size=8).map("".join), max_size=6))
def test_neither_batches_nor_what_was_seen_before_change_a_bit(saved: Path, drawn: list[str]) -> None:
    classifier = Classifier(saved)
    whole = predicted(classifier, drawn, 3)
    assert [row for text in drawn for row in predicted(classifier, [text], 3)] == whole
    assert predicted(Classifier(saved), drawn[::-1], 3)[::-1] == whole


def test_a_cache_that_is_too_small_changes_no_bit(texts, tmp_path, monkeypatch) -> None:
    model = train(tmp_path, **MODELS["hs-1"])
    model.save_model(str(tmp_path / "model.bin"))
    expected = predicted(Classifier(tmp_path / "model.bin"), texts, 3)
    monkeypatch.setattr(word_cache, "CACHE_BYTES", 1)
    assert predicted(Classifier(tmp_path / "model.bin"), texts, 3) == expected


@pytest.mark.parametrize("kind", ["hs-1", "softmax-2"])
def test_time_is_linear_for_hostile_texts(kind: str, tmp_path: Path) -> None:
    model = train(tmp_path, **MODELS[kind])
    model.save_model(str(tmp_path / "model.bin"))
    classifier = Classifier(tmp_path / "model.bin")

    def seconds(text: str) -> float:
        begin = time.process_time()
        predicted(classifier, [text], 1)
        return time.process_time() - begin

    seconds("compiles")
    for piece in ("x", "é", "a ", "\0", " ", "ab"):
        short, long = (min(seconds(piece * size) for _ in range(3)) for size in (100_000, 1_000_000))
        assert long < 40 * max(short, 1e-3), piece


def test_the_shipped_model_agrees() -> None:
    path = Path(__file__).parents[4] / "operators" / "language" / "lid.176.ftz"
    check_against_package(path, ["Guten Morgen, Welt!", "這是一個測試。", "été", "one </s> deux", "मैं घर जा रहा हूँ"], 5)
