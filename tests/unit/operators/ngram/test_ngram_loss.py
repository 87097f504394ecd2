"""Losses as columns."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pydantic import ValidationError

from operators.ngram.ngram_loss import NgramLoss
from pipeline.errors import OperatorError, PlanError
from pipeline.operator import FileRef
from tests.unit.operators.ngram.corpora import Corpus, PlainModel, token_column, train

CORPUS: Corpus = [[1, 2, 3, 1, 2, 4], [1, 2], [5], [2, 3, 1, 2, 3, 1]]


def pinned(path: Path) -> FileRef:
    return FileRef(uri=path.name).pin(path)


def rows(corpus: Corpus, texts: list[str | None]) -> pa.RecordBatch:
    return pa.record_batch({"text": pa.array(texts, pa.large_string()), "tokens": token_column(corpus)})


def test_columns(tmp_path: Path) -> None:
    operator = NgramLoss(model=pinned(train(tmp_path, CORPUS)), orders=(2, 3), prefix="small")
    found = operator.open()(rows([[1, 2], [], [3, 3, 3]], ["ab", None, "文字"]))
    assert found.schema == operator.adds()
    assert found.schema.names == ["small_2_nats", "small_3_nats", "small_tokens", "small_chars", "small_bytes"]
    for order in (2, 3):
        model = PlainModel(CORPUS, order)
        one, none, other = found[f"small_{order}_nats"].to_pylist()
        assert none is None
        assert [one, other] == [round(model.nats(document, order), 6) for document in ([1, 2], [3, 3, 3])]
    assert found["small_tokens"].to_pylist() == [2, 0, 3]
    assert found["small_chars"].to_pylist() == [2, 0, 2]
    assert found["small_bytes"].to_pylist() == [2, 0, 6]


def test_a_model_of_a_lower_order_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match=r"'ngrams\.bin': expected order 5 or more; found 2"):
        NgramLoss(model=pinned(train(tmp_path, CORPUS, order=2))).open()


def test_another_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "other").write_bytes(b"other")
    with pytest.raises(PlanError, match="model 'other': expected an n-gram model; found a file of 5 bytes"):
        NgramLoss(model=pinned(tmp_path / "other")).open()


def test_tokens_of_another_tokenizer_stop_the_step(tmp_path: Path) -> None:
    annotate = NgramLoss(model=pinned(train(tmp_path, CORPUS))).open()
    with pytest.raises(OperatorError, match="expected ids below 7; found 9"):
        annotate(rows([[9]], ["a"]))


@pytest.mark.parametrize("orders", [(), (0,), (2, 1), (1, 1), (6,)])
def test_orders_ascend(orders: tuple[int, ...]) -> None:
    with pytest.raises(ValidationError):
        NgramLoss(model=FileRef(uri="x"), orders=orders)


def test_a_higher_order_knows_its_own_text_better(tmp_path: Path) -> None:
    corpus = [[1, 2, 3, 4, 1, 2, 5] * 5, [4, 1, 2, 6, 4, 1, 3] * 5]
    found = NgramLoss(model=pinned(train(tmp_path, corpus))).open()(rows(corpus, ["", ""]))
    nats = [sum(found[f"ngram_{order}_nats"].to_pylist()) for order in range(1, 6)]
    assert (np.diff(nats) < 0).all()
