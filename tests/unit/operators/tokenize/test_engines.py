"""Which engine is taken: the first that loads the tokenizer and agrees on the probes."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from tokenizers import Tokenizer, models, pre_tokenizers

from operators.tokenize import engines
from operators.tokenize.encoded import from_documents
from operators.tokenize.engine import Engine
from operators.tokenize.engines import ENGINES, loaded_tokenizer, num_differing_probes, reference_version
from operators.tokenize.probes import PROBES
from operators.tokenize.reference import as_plain_text, encode_texts
from pipeline.errors import PlanError
from pipeline.operator import FileRef

REAL = Path(__file__).parents[4] / ".." / "shared" / "data" / "tokenizers"


@pytest.fixture
def file(tmp_path: Path) -> FileRef:
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE(vocab={letter: index for index, letter in enumerate(alphabet)}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.add_special_tokens(["<|endoftext|>"])
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    return FileRef(uri="tokenizer.json").pin(tmp_path / "tokenizer.json")


def right(tokenizer_json: str, reads_special: bool) -> Engine:
    reference = as_plain_text(Tokenizer.from_str(tokenizer_json))
    reference.encode_special_tokens = not reads_special
    return Engine("right", "2", lambda texts: from_documents(encode_texts(reference, texts.to_pylist())))


def reading(tokenizer_json: str, reads_special: bool) -> Engine:
    """Reads special tokens out of texts, whatever is wanted, and says so."""
    engine = right(tokenizer_json, reads_special=True)
    return Engine("reading", "2", engine.encode, wants_no_special=not reads_special)


def wrong_where(wrong) -> engines.OpenEngine:
    def opened(tokenizer_json: str, _: bool) -> Engine:
        reference = as_plain_text(Tokenizer.from_str(tokenizer_json))

        def encode(texts: pa.Array):
            found = zip(encode_texts(reference, texts.to_pylist()), texts.to_pylist(), strict=True)
            return from_documents([ids + np.uint32(wrong(text)) for ids, text in found])

        return Engine("wrong", "2", encode)

    return opened


def refusing(*_: object) -> Engine:
    def encode(_: pa.Array):
        raise ValueError("no")

    return Engine("refusing", "2", encode)


def missing(*_: object) -> Engine:
    raise ImportError


def taken(file: FileRef, monkeypatch: pytest.MonkeyPatch, table, *, reads_special: bool = False) -> str:
    monkeypatch.setattr(engines, "ENGINES", table)
    return loaded_tokenizer(file, "auto", reads_special).made_with


@pytest.mark.parametrize("reads_special", [False, True])
def test_the_first_that_fits_is_taken(file: FileRef, monkeypatch, reads_special: bool) -> None:
    before = {"missing": missing, "refusing": refusing, "wrong": wrong_where(lambda text: "\u0301" in text)}
    assert taken(file, monkeypatch, before, reads_special=reads_special) == reference_version()
    assert taken(file, monkeypatch, {**before, "right": right}, reads_special=reads_special) == "right 2"
    assert taken(file, monkeypatch, {"reading": reading, "right": right}, reads_special=reads_special) == "reading 2"


def test_every_probe_counts(file: FileRef) -> None:
    reference = loaded_tokenizer(file, "tokenizers", reads_special=False).reference
    engine = wrong_where(lambda text: text in PROBES)(Path(file.path).read_text(), False)
    assert num_differing_probes(engine, reference, ()) == sum(probe != "" for probe in PROBES)


def test_special_tokens_are_probes(file: FileRef, monkeypatch) -> None:
    table = {"wrong": wrong_where(lambda text: text.startswith("a<|endoftext|>"))}
    assert taken(file, monkeypatch, table) == reference_version()


@pytest.mark.parametrize(
    ("opened", "why"), [(missing, "not installed"), (refusing, "other ids for 1 of"), (wrong_where(len), "other ids")]
)
def test_an_engine_asked_for_by_name_must_fit(file: FileRef, monkeypatch, opened, why: str) -> None:
    monkeypatch.setattr(engines, "ENGINES", {"fastokens": opened})
    with pytest.raises(PlanError, match=rf"engine 'fastokens' gives the ids of 'tokenizers'; found that .*{why}"):
        loaded_tokenizer(file, "fastokens", reads_special=False)
    assert loaded_tokenizer(file, "tokenizers", reads_special=False).engine is None


FITS = {
    ("gpt-neox-20b", "fastokens"): True,
    ("gpt2", "fastokens"): True,
    ("smollm2", "fastokens"): True,
    ("stories260k", "fastokens"): True,
    ("gpt-neox-20b", "gigatoken"): False,  # its normalization is of an older Unicode
    ("gpt2", "gigatoken"): True,
    ("smollm2", "gigatoken"): False,  # it wants every byte in the vocabulary
    ("stories260k", "gigatoken"): True,
}


@pytest.mark.skipif(not REAL.is_dir(), reason="../shared/data/tokenizers is absent")
@pytest.mark.parametrize(("name", "engine"), sorted(FITS))
def test_what_fits_released_tokenizers(name: str, engine: str) -> None:
    if engine == "gigatoken":
        pytest.importorskip("gigatoken")
    file = FileRef(uri=name).pin(REAL / name / "tokenizer.json")
    if not FITS[name, engine]:
        with pytest.raises(PlanError, match=f"engine '{engine}'"):
            loaded_tokenizer(file, engine, reads_special=False)
        return
    found = loaded_tokenizer(file, engine, reads_special=False)
    assert found.made_with.startswith(f"{engine} ")
    added = json.loads((REAL / name / "tokenizer.json").read_text())["added_tokens"]
    assert set(found.special) == {token["content"] for token in added if token["special"]}


def test_the_table_names_what_recipes_may_ask_for() -> None:
    assert list(ENGINES) == ["fastokens", "gigatoken"]
