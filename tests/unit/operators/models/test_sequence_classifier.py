"""Columns of classifiers: scores, labels, what is long, what is empty, and heads that do not fit."""

import math

import numpy as np
import pyarrow as pa
import pytest
from pydantic import ValidationError

from operators.models import sequence_classifier
from operators.models.encoder import SequenceCutter
from operators.models.sequence_classifier import SequenceClassifier
from operators.models.settings import ModelSettings
from operators.models.token_sequences import SpecialIds
from pipeline.document import TEXT_TYPE
from pipeline.errors import PlanError
from pipeline.execution.row_pass import open_alone
from pipeline.folder_ref import FolderRef
from pipeline.operator import Determinism, Resources
from tests.unit.operators.models.tiny_models import SPECIAL, byte_tokenizer, pinned, write_tiny_bert

MODEL = FolderRef(uri="model", path="model", digest="0")
FIRST_BYTE = len(SPECIAL)


def batch_of(texts):
    return pa.RecordBatch.from_arrays([pa.array(texts, TEXT_TYPE)], names=["text"])


class Table:
    """Gives each sequence the row of logits that its first letter names: a, b, c ..."""

    def __init__(self, logits, labels=(), *, is_multi_label=False):
        self.logits = np.array(logits, np.float32)
        self.width = self.logits.shape[1]
        self.labels = labels or tuple(f"LABEL_{number}" for number in range(self.width))
        self.is_multi_label = is_multi_label

    def compute(self, sequences):
        tokenizer = byte_tokenizer()
        letters = [tokenizer.decode(ids.tolist())[0] for ids in sequences]
        return self.logits[[ord(letter) - ord("a") for letter in letters]].reshape(len(sequences), self.width)


@pytest.fixture
def annotate(monkeypatch, tmp_path):
    """The columns of texts under a table; a sequence holds four letters."""
    folder = tmp_path / "model"
    folder.mkdir()
    byte_tokenizer().save(str(folder / "tokenizer.json"))
    model = pinned(folder)

    def run(table, texts, **fields):
        def cutter(*_, max_tokens, over_length):
            return SequenceCutter(SpecialIds((), ()), max_tokens or 4, over_length)

        monkeypatch.setattr(sequence_classifier, "load_classifier", lambda *_: table)
        monkeypatch.setattr(sequence_classifier, "load_cutter", cutter)
        operator = SequenceClassifier(model=model, **fields)
        found = open_alone(operator)(batch_of(texts))
        assert found.schema == operator.adds()
        found.validate(full=True)
        return found.to_pydict()

    return run


def test_a_regression_gives_a_score_and_a_whole_one(annotate):
    scores = [[0.07964489], [2.5], [2.50004], [2.5001], [3.5], [-1], [7.3]]
    found = annotate(Table(scores), ["a", "b", "c", "d", "e", "f", "g", "", None], prefix="edu", int_range=(0, 5))
    assert list(found) == ["edu_score", "edu_int_score"]
    expected = [np.float32(value) for value in (0.0796, 2.5, 2.5, 2.5001, 3.5, -1, 7.3)]
    assert found["edu_score"] == [*expected, None, None]
    assert found["edu_int_score"] == [0, 2, 2, 3, 4, 0, 5, None, None]
    assert found["edu_int_score"][:7] == [round(max(0, min(float(value), 5))) for value in expected]


def test_of_a_long_document_the_head_is_seen_or_all_of_it_under_another_name(annotate):
    table = Table([[1], [2], [6]])
    texts = ["abc", "aaaabbbbc", "bbbb" + "cccc"]
    assert annotate(table, texts) == {"classifier_score": [1, 1, 2]}
    # nine letters are three chunks of three: aaa, abb, bbc
    assert annotate(table, texts, over_length="chunk_mean")["classifier_mean_score"] == pytest.approx(
        [1, 4 / 3, 4], abs=1e-4
    )


def test_labels_with_the_probabilities_of_all(annotate):
    table = Table([[0, math.log(3)], [5, 5]], ("good", "bad"))
    found = annotate(table, ["a", "b", ""], output="labels", prefix="safety")
    assert found == {
        "safety_label": ["bad", "good", None],
        "safety_probability": [0.75, 0.5, None],
        "safety_probabilities": [[0.25, 0.75], [0.5, 0.5], None],
    }


def test_labels_that_are_decided_by_themselves_do_not_share_their_probability(annotate):
    found = annotate(Table([[0, math.log(3)]], is_multi_label=True), ["a"], output="labels")
    assert found["classifier_probabilities"] == [[0.5, 0.75]]


def test_the_probability_of_one_label_is_a_score(annotate):
    found = annotate(Table([[0, math.log(3)]], ("good", "bad")), ["a", ""], score_of="bad")
    assert found == {"classifier_score": [0.75, None]}


def test_large_logits_stay_numbers(annotate):
    found = annotate(Table([[1e4, -1e4]]), ["a"], output="labels")
    assert found["classifier_probabilities"] == [[1, 0]]


def test_a_number_that_is_none_is_an_error_of_its_row(annotate):
    with pytest.raises(ValueError, match="expected numbers that are finite"):
        annotate(Table([[math.nan]]), ["a"])


def test_no_rows_no_numbers(annotate):
    assert annotate(Table([[1]]), []) == {"classifier_score": []}
    assert annotate(Table([[1, 2]]), ["", None], output="labels")["classifier_label"] == [None, None]


@pytest.mark.parametrize(
    ("width", "fields", "message"),
    [
        (
            2,
            {},
            r"expected a regression, which gives one number; found the labels \['LABEL_0', 'LABEL_1'\]; set score_of",
        ),
        (1, {"output": "labels"}, "expected a head with labels; found a regression; set output to score"),
        (2, {"score_of": "x"}, r"score_of: expected one of \['LABEL_0', 'LABEL_1'\]; found 'x'"),
        (1, {"score_of": "LABEL_0"}, "score_of: expected one of"),
    ],
)
def test_a_head_that_does_not_fit_is_refused(annotate, width, fields, message):
    with pytest.raises(PlanError, match=rf"^sequence_classifier: model 'model': {message}"):
        annotate(Table([[0] * width]), ["a"], **fields)


@pytest.mark.parametrize(
    "fields",
    [
        {"output": "labels", "int_range": (0, 5)},
        {"output": "labels", "score_of": "x"},
        {"int_range": (5, 0)},
        {"int_range": (0, 200)},
        {"settings": {"engine": "vllm"}},
        {"prefix": "Edu"},
    ],
)
def test_fields_that_contradict_each_other_are_refused(fields):
    with pytest.raises(ValidationError):
        SequenceClassifier(model=MODEL, **fields)


def test_a_gpu_is_asked_for_where_settings_name_one():
    assert SequenceClassifier(model=MODEL).resources == Resources()
    assert SequenceClassifier(model=MODEL, settings=ModelSettings(device="cuda")).resources.num_gpus == 1
    assert SequenceClassifier.determinism is Determinism.HARDWARE


def test_a_real_head_from_a_folder(tmp_path):
    pytest.importorskip("torch", reason="needs the extra models")
    model = pinned(write_tiny_bert(tmp_path))
    texts = ["The committee met.", "", "long " * 60]
    found = open_alone(SequenceClassifier(model=model, settings={"device": "cpu"}))(batch_of(texts))
    scores = found["classifier_score"].to_pylist()
    assert scores[1] is None
    assert scores[0] != scores[2]
    one_by_one = SequenceClassifier(model=model, settings={"device": "cpu", "batch_tokens": 1})
    again = open_alone(one_by_one)(batch_of(texts[::-1]))
    assert again["classifier_score"].to_pylist()[::-1] == pytest.approx(scores, abs=2e-4)
