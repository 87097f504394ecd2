"""Perplexities against the formula by hand, over a bigram model with back-off."""

import builtins
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from operators.perplexity.kenlm_perplexity import MAX_PERPLEXITY, KenlmPerplexity, LanguageModel, _scored
from pipeline.document import TEXT_TYPE
from pipeline.errors import PlanError, StorageError
from pipeline.operator import FileRef
from tests.perplexity_models import log10_of, write_arpa, write_sentencepiece


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    write_arpa(folder / "en.arpa")
    write_sentencepiece(folder / "en.model")
    return folder


@pytest.fixture(scope="module")
def model(folder: Path) -> LanguageModel:
    return LanguageModel(model=pinned(folder / "en.arpa"), sentencepiece=pinned(folder / "en.model"))


def pinned(path: Path) -> FileRef:
    return FileRef(uri=path.name).pin(path)


def rows(*texts_and_languages: tuple[str, str | None]) -> pa.RecordBatch:
    texts, languages = zip(*texts_and_languages, strict=True) if texts_and_languages else ((), ())
    schema = pa.schema([pa.field("text", TEXT_TYPE, nullable=False), pa.field("language", pa.large_string())])
    return pa.record_batch([pa.array(texts, TEXT_TYPE), pa.array(languages, pa.large_string())], schema=schema)


def by_hand(*lines: list[str]) -> float:
    log10 = sum(map(log10_of, lines))
    return round(10 ** (-log10 / (sum(map(len, lines)) + len(lines))), 1)


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("ab", [["\u2581", "a", "b"]]),
        ("AB", [["\u2581", "a", "b"]]),
        ("ba z", [["\u2581", "b", "a", "\u2581", "z"]]),
        ("á1\n\n  ab \n", [["\u2581", "a", "0"], ["\u2581", "a", "b"]]),
        ("a\x00b", [["\u2581", "a", "b"]]),
    ],
)
def test_perplexity_is_that_of_the_formula(model: LanguageModel, text: str, lines: list[list[str]]):
    result = KenlmPerplexity(models={"en": model}).open()(rows((text, "en")))
    assert result.column("perplexity").to_pylist() == [float(np.float32(by_hand(*lines)))]
    assert result.column("perplexity_tokens").to_pylist() == [sum(map(len, lines))]


def test_one_line_by_hand(model: LanguageModel):
    """-0.125 - 0.5 - 0.375 - 0.25 is -1.25, over three tokens and the end of the line."""
    result = KenlmPerplexity(models={"en": model}).open()(rows(("ab", "en")))
    assert result.column("perplexity").to_pylist() == [float(np.float32(2.1))]  # 10 ** 0.3125 is 2.0535


def test_what_has_no_perplexity(model: LanguageModel):
    operator = KenlmPerplexity(models={"en": model})
    result = operator.open()(rows(("", "en"), (" \n\u0301\n", "en"), ("ab", "de"), ("ab", None), ("ab", "en")))
    assert result.schema == operator.adds()
    assert [value is None for value in result.column("perplexity").to_pylist()] == [True, True, True, True, False]
    assert result.column("perplexity_tokens").to_pylist() == [None, None, None, None, 3]
    assert operator.open()(rows()).num_rows == 0


def test_each_language_has_its_model(model: LanguageModel, tmp_path: Path):
    arpa = Path(model.model.path or "").read_text(encoding="utf-8").replace("-0.375\ta b", "-2.375\ta b")
    (tmp_path / "de.arpa").write_text(arpa, encoding="utf-8")
    german = LanguageModel(model=pinned(tmp_path / "de.arpa"), sentencepiece=model.sentencepiece)
    one, other = (
        KenlmPerplexity(models=models) for models in ({"en": model, "de": german}, {"de": german, "en": model})
    )
    assert set(one.file_refs()) == {
        f"models.{language}.{file}" for language in ("en", "de") for file in ("model", "sentencepiece")
    }
    batch = rows(("ab", "de"), ("ab", "en"))
    found = one.open()(batch)
    assert found.equals(other.open()(batch))
    german_ab, english_ab = found.column("perplexity").to_pylist()
    assert german_ab == float(np.float32(round(10 ** (3.25 / 4), 1)))
    assert english_ab == float(np.float32(2.1))


def test_a_perplexity_fits_its_column():
    assert _scored([["x"]], lambda _: -100.0).perplexity == MAX_PERPLEXITY
    assert np.isfinite(np.float32(MAX_PERPLEXITY))


def test_files_that_are_no_models_are_refused(model: LanguageModel, tmp_path: Path):
    (tmp_path / "other").write_text("no model\n")
    other = pinned(tmp_path / "other")
    for field, name in (("model", "a KenLM model"), ("sentencepiece", "a SentencePiece model")):
        operator = KenlmPerplexity(models={"en": model.model_copy(update={field: other})})
        with pytest.raises(PlanError, match=f"kenlm_perplexity: {field} 'other': expected {name}"):
            operator.open()
    (tmp_path / "other").write_text("changed\n")
    with pytest.raises(StorageError, match="run again"):
        operator.open()


def test_a_missing_package_is_named(model: LanguageModel, monkeypatch: pytest.MonkeyPatch):
    plain = builtins.__import__

    def without_kenlm(name: str, *rest: object) -> object:
        if name == "kenlm":
            raise ImportError("No module named 'kenlm'")
        return plain(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without_kenlm)
    with pytest.raises(PlanError, match=r"No module named 'kenlm'; install corpusmill\[perplexity\]"):
        KenlmPerplexity(models={"en": model}).open()
