"""Training: the same file however the rows are cut and spilled, and what is refused."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from operators.ngram import train_ngram
from operators.ngram.train_ngram import TrainNgram
from pipeline.errors import OperatorError
from pipeline.operator import FileRef, TaskInputs
from tests.unit.operators.ngram.corpora import VOCAB, Corpus, Rows, tokenizer_of, train


@settings(deadline=None, max_examples=25)
@given(
    corpus=st.lists(st.lists(st.integers(0, VOCAB - 1), max_size=10), min_size=1, max_size=8).filter(any),
    cuts=st.lists(st.integers(0, 8), max_size=3).map(tuple),
    at_once=st.integers(1, 9),
    size=st.sampled_from([VOCAB, 1 << 14]),
)
def test_order_batches_and_memory_reach_no_byte(
    tmp_path_factory: pytest.TempPathFactory, corpus: Corpus, cuts: tuple[int, ...], at_once: int, size: int
) -> None:
    whole = train(tmp_path_factory.mktemp("whole"), corpus, size=size).read_bytes()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(train_ngram, "WINDOWS_AT_ONCE", at_once)
        folder = tmp_path_factory.mktemp("parts")
        assert train(folder, corpus[::-1], size=size, cuts=cuts).read_bytes() == whole


def test_windows_are_sorted_a_part_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = []
    counted = train_ngram.count_levels
    monkeypatch.setattr(train_ngram, "WINDOWS_AT_ONCE", 10)
    monkeypatch.setattr(train_ngram, "count_levels", lambda *given: sizes.append(len(given[0])) or counted(*given))
    train(tmp_path, [list(range(7))] * 6)
    assert sum(sizes) == 42
    assert len(sizes) > 3
    assert max(sizes) < 10 + 6


def test_tokens_of_another_tokenizer_are_refused(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match=r"'tokenizer\.json', below 7; found 7; name the tokenizer"):
        train(tmp_path, [[1, 7]])
    assert list((tmp_path / "model").iterdir()) == []


def test_an_empty_view_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match="expected tokens to count; found none"):
        train(tmp_path, [[], []])


def test_counts_beyond_the_file_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(train_ngram, "MAX_COUNT", 2)
    with pytest.raises(OperatorError, match="at most 2 of any n-gram; found 3"):
        train(tmp_path, [[1, 1, 1]])
    assert list((tmp_path / "model").iterdir()) == [], "nothing is left behind"


def test_orders_from_one_to_five(tmp_path: Path) -> None:
    for order in (0, 6):
        with pytest.raises(ValidationError):
            TrainNgram(tokenizer=FileRef(uri="tokenizer.json"), order=order)
    operator = TrainNgram(tokenizer=tokenizer_of(tmp_path))
    assert list(operator.open()(TaskInputs(Rows([[1]]), {}, (), tmp_path))) == []
