"""The engine gigatoken against `tokenizers`, and the guard over what it is known to get wrong."""

import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from tokenizers import Tokenizer

from operators.tokenize import engines, gigatoken_engine
from operators.tokenize.encoded import from_documents
from operators.tokenize.gigatoken_engine import open_gigatoken
from operators.tokenize.reference import as_plain_text, encode_texts
from operators.tokenize.tokenizer import Tokenize
from pipeline.document import IdHasher
from pipeline.errors import FallBackNeeded
from pipeline.operator import FileRef

pytest.importorskip("gigatoken")
REAL = Path(__file__).parents[4] / ".." / "shared" / "data" / "tokenizers"
pytestmark = pytest.mark.skipif(not REAL.is_dir(), reason="../shared/data/tokenizers is absent")
NAMES = ["gpt-neox-20b", "gpt2", "stories260k"]
TEXTS = ["the cat", "", "naïve 中文 🙂", "  \n\n x", "don't 12,345"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("begin", [0, 2])
def test_ids_and_a_tokenizer_that_is_loaded_anew(monkeypatch: pytest.MonkeyPatch, name: str, begin: int) -> None:
    monkeypatch.setattr(gigatoken_engine, "FRESH_BYTES", 10)
    path = REAL / name / "tokenizer.json"
    engine = open_gigatoken(path.read_text(), reads_special=False)
    assert engine.wants_no_special
    expected = from_documents(encode_texts(as_plain_text(Tokenizer.from_file(str(path))), TEXTS[begin:]))
    for _ in range(3):
        found = engine.encode(pa.array(TEXTS, pa.large_string()).slice(begin))
        assert np.array_equal(found.ids, expected.ids)
        assert np.array_equal(found.bounds, expected.bounds)


@pytest.mark.parametrize("name", NAMES)
def test_runs_of_half_a_megabyte_stay_linear(name: str) -> None:
    engine = open_gigatoken((REAL / name / "tokenizer.json").read_text(), reads_special=False)
    begin = time.process_time()
    for unit in ["a", " ", "7", "中", "the", "\u0301"]:
        engine.encode(pa.array([unit * (500_000 // len(unit.encode()))], pa.large_string()))
    assert time.process_time() - begin < 30  # 1 s when linear, minutes when quadratic


def test_the_guard_catches_marks_of_a_later_unicode(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its normalization has no U+10F82, a mark of Unicode 14; without the probes, documents are what tells."""
    file = FileRef(uri="neox").pin(REAL / "gpt-neox-20b" / "tokenizer.json")
    texts = ["fine", "a\U00010f82\u0327 b"]
    batch = pa.record_batch(
        {"doc_id": IdHasher("tests", "texts").many(range(2)), "text": pa.array(texts, pa.large_string())}
    )
    monkeypatch.setattr(engines, "PROBES", ("plain",))
    operator = Tokenize(tokenizer=file, engine="gigatoken", check_share=1)
    operator.open()(batch.slice(0, 1))
    with pytest.raises(FallBackNeeded, match=r"gigatoken .* gave other ids"):
        operator.open()(batch)
    operator.fallback().open()(batch)


def test_the_guard_keeps_special_tokens_from_it() -> None:
    file = FileRef(uri="gpt2").pin(REAL / "gpt2" / "tokenizer.json")
    texts = ["a <|endoftext|> b", "fine", "<|endoftext|>"]
    batch = pa.record_batch(
        {"doc_id": IdHasher("tests", "texts").many(range(3)), "text": pa.array(texts, pa.large_string())}
    )
    for how in ("text", "parse"):
        found, expected = (
            Tokenize(tokenizer=file, engine=engine, special_in_text=how, check_share=1).open()(batch)
            for engine in ("gigatoken", "tokenizers")
        )
        assert found.equals(expected)
