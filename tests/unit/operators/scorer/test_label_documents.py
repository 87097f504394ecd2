"""Examples by names and by cut points, and a held-out share that the ids decide."""

import pyarrow as pa
import pytest
import xxhash
from pydantic import ValidationError

from operators.scorer.label_documents import LabelDocuments


def rows(**columns):
    num_rows = len(next(iter(columns.values())))
    ids = pa.array([xxhash.xxh3_128_digest(str(row).encode()) for row in range(num_rows)], pa.binary(16))
    return pa.record_batch({"doc_id": ids, **columns})


def test_names_of_two_classes():
    operator = LabelDocuments(names="source", positive=("book", "wiki"), negative=("web",), held_out=1e-9)
    found = operator.open()(rows(source=pa.array(["book", "web", "news", None, "wiki"], pa.string())))
    assert found.schema == operator.adds()
    expected = ["positive", "negative", None, None, "positive"]
    assert found.to_pydict() == {"label": expected, "training_label": expected}


def test_scores_at_and_between_the_cut_points():
    scores = pa.array([0.8, 0.79, 0.61, 0.6, 0.1, None, float("nan")], pa.float32())
    found = LabelDocuments(scores="rating", held_out=1e-9).open()(rows(rating=scores))
    assert found.column("label").to_pylist() == ["positive", None, None, "negative", "negative", None, None]


def test_a_share_is_held_out_and_another_seed_holds_out_others():
    batch = rows(source=pa.array(["book"] * 4000, pa.string()))
    held = []
    for seed in (1, 2):
        operator = LabelDocuments(names="source", positive=("book",), negative=("web",), held_out=0.25, seed=seed)
        found = operator.open()(batch)
        assert found.column("label").null_count == 0
        held.append(found.column("training_label").is_null())
        assert 900 < held[-1].sum().as_py() < 1100
    assert held[0] != held[1]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({}, "expected exactly one of names and scores"),
        ({"names": "a", "scores": "b"}, "expected exactly one of names and scores"),
        ({"names": "a", "positive": ("x",)}, "expected names of both classes"),
        ({"scores": "a", "positive": ("x",), "negative": ("y",)}, "expected names of both classes"),
        ({"names": "a", "positive": ("x", "y"), "negative": ("y",)}, r"found \['y'\] in both"),
        ({"scores": "a", "min_positive": 0.5}, "max_negative: expected less than min_positive, 0.5; found 0.6"),
    ],
)
def test_labels_that_do_not_fit_are_refused(fields, message):
    with pytest.raises(ValidationError, match=message):
        LabelDocuments(**fields)
