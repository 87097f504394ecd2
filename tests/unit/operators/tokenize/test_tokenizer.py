"""Tokenizing: the library's ids, plus our end-of-document policy."""

import json
import os
import time
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from operators.tokenize import engine as engine_module
from operators.tokenize import reference as reference_module
from operators.tokenize.tokenizer import NUM_SPECIAL, SpecialTokenInText, Tokenize
from pipeline.document import DOC_ID_TYPE, IdHasher
from pipeline.errors import PlanError
from pipeline.fingerprint import operator_identity
from pipeline.operator import FileRef

REAL = Path(__file__).parents[4] / ".." / "shared" / "data" / "tokenizers"
REAL_EOS = {"gpt2": "<|endoftext|>", "gpt-neox-20b": "<|endoftext|>", "smollm2": "<|endoftext|>", "stories260k": "</s>"}


def pinned(path: Path) -> FileRef:
    return FileRef(uri=path.name).pin(path)


def save(folder: Path, tokenizer: Tokenizer) -> FileRef:
    tokenizer.save(str(folder / "tokenizer.json"))
    return pinned(folder / "tokenizer.json")


def trained(special_tokens: list[str]) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=300, special_tokens=special_tokens, initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(["the cat sat on the mat, the dog ate the cat's hat"] * 3, trainer)
    return tokenizer


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> FileRef:
    return save(tmp_path_factory.mktemp("small"), trained(["<|endoftext|>", "<|im_end|>"]))


def batch(texts: list[str | None]) -> pa.RecordBatch:
    doc_ids = IdHasher("tests", "texts").many(range(len(texts)))
    return pa.record_batch({"doc_id": doc_ids.cast(DOC_ID_TYPE), "text": pa.array(texts, pa.large_string())})


def num_special(operator: Tokenize, texts: list[str | None]) -> list[int]:
    return operator.open()(batch(texts))[NUM_SPECIAL].to_pylist()


def ids(operator: Tokenize, texts: list[str | None]) -> list[list[int]]:
    out = operator.open()(batch(texts))
    out.validate(full=True)
    assert out.schema == operator.adds()
    assert out["num_tokens"].to_pylist() == [len(row) for row in out["tokens"].to_pylist()]
    return out["tokens"].to_pylist()


def test_ids_are_the_librarys_and_the_end(small: FileRef) -> None:
    reference = Tokenizer.from_file(small.path)
    texts = ["the cat", "naïve 中文 \U0001f600", "\n\n  x"]
    expected = [[*reference.encode(text, add_special_tokens=False).ids, 0] for text in texts]
    assert ids(Tokenize(tokenizer=small), texts) == expected


@pytest.mark.parametrize("literal", ["<|endoftext|>", "<|im_end|>"])
def test_a_literal_special_token_is_plain_text(small: FileRef, literal: str) -> None:
    text = f"the {literal} cat{literal}"
    (found,) = ids(Tokenize(tokenizer=small), [text])
    assert found[-1] == 0
    assert not set(found[:-1]) & {0, 1}
    assert Tokenizer.from_file(small.path).decode(found[:-1], skip_special_tokens=False) == text


ENGINES = ("tokenizers", "fastokens")


@pytest.mark.skipif(not REAL.is_dir(), reason="../shared/data/tokenizers is absent")
@pytest.mark.parametrize("name", sorted(REAL_EOS))
def test_every_special_token_of_released_tokenizers_as_a_text_may_write_it(name: str) -> None:
    file = pinned(REAL / name / "tokenizer.json")
    plain, parsing = Tokenizer.from_file(file.path), Tokenizer.from_file(file.path)
    plain.encode_special_tokens = True
    specials = [token for token in plain.get_added_tokens_decoder().values() if token.special]
    texts = [f"Hello {token.content} {token.content}{token.content}\nx{token.content}y" for token in specials]
    for reference, how in ((plain, "text"), (parsing, "parse")):
        expected = [encoding.ids for encoding in reference.encode_batch(texts, add_special_tokens=False)]
        for engine in ENGINES:
            operator = Tokenize(tokenizer=file, append_eos=False, special_in_text=how, engine=engine)
            found = operator.open()(batch([*texts, "none <| here"]))
            assert found["tokens"].to_pylist()[:-1] == expected
            assert found[NUM_SPECIAL].to_pylist() == [4] * len(texts) + [0]
            numbers = {plain.token_to_id(token.content) for token in specials}
            assert (not numbers & {number for row in expected for number in row}) == (how == "text")
    annotate = Tokenize(tokenizer=file, special_in_text="quarantine", engine="tokenizers").open()
    for text in texts:
        with pytest.raises(SpecialTokenInText):
            annotate(batch(["fine", text]))


@pytest.mark.skipif(not REAL.is_dir(), reason="../shared/data/tokenizers is absent")
@pytest.mark.parametrize("name", sorted(REAL_EOS))
def test_released_tokenizers_read_no_special_token_from_text(name: str) -> None:
    file = pinned(REAL / name / "tokenizer.json")
    reference = Tokenizer.from_file(file.path)
    specials = [token for token in reference.get_added_tokens_decoder().values() if token.special]
    numbers = {reference.token_to_id(token.content) for token in specials}
    text = "Hello " + " ".join(token.content for token in specials) + specials[0].content
    assert numbers & set(reference.encode(text, add_special_tokens=False).ids), "the default would read them"
    (found,) = ids(Tokenize(tokenizer=file), [text])
    assert found[-1] == reference.token_to_id(REAL_EOS[name])
    assert not numbers & set(found[:-1])
    assert reference.decode(found[:-1], skip_special_tokens=False) == text


def test_without_eos(small: FileRef) -> None:
    with_eos = ids(Tokenize(tokenizer=small), ["the cat"])[0]
    assert ids(Tokenize(tokenizer=small, append_eos=False), ["the cat"]) == [with_eos[:-1]]


def test_the_named_eos_is_used(small: FileRef) -> None:
    assert ids(Tokenize(tokenizer=small, eos_token="<|im_end|>"), ["the"])[0][-1] == 1


def test_a_first_token_by_our_policy_alone(tmp_path: Path) -> None:
    file = save(tmp_path, trained(["<|endoftext|>", "<s>"]))
    plain = ids(Tokenize(tokenizer=file, append_eos=False), ["the cat", ""])
    assert ids(Tokenize(tokenizer=file, prepend_bos=True), ["the cat", ""]) == [[1, *plain[0], 0], []]
    first = Tokenize(tokenizer=file, append_eos=False, prepend_bos=True, bos_token="<|endoftext|>")
    assert ids(first, ["the cat", ""]) == [[0, *plain[0]], []]
    with pytest.raises(PlanError, match=r"begin documents with; .*; set bos_token .* set prepend_bos to false"):
        Tokenize(tokenizer=file, prepend_bos=True, bos_token="<bos>").open()


def test_quarantine_lets_other_documents_through(small: FileRef) -> None:
    assert ids(Tokenize(tokenizer=small, special_in_text="quarantine"), ["the", "<|endoftext"])[0][-1] == 0


def test_what_stands_in_text_is_counted_once(small: FileRef) -> None:
    texts = ["", None, "<|endoftext|><|im_end|>", "<|endoftext|", "a<|endoftext|>b" * 7]
    assert num_special(Tokenize(tokenizer=small), texts) == [0, 0, 2, 0, 7]


def test_the_engine_is_no_part_of_the_identity(small: FileRef) -> None:
    same = Tokenize(tokenizer=small, engine="tokenizers", check_share=0.5)
    assert operator_identity(same, {}) == operator_identity(Tokenize(tokenizer=small), {})
    assert operator_identity(same, {}) != operator_identity(Tokenize(tokenizer=small, special_in_text="parse"), {})


def test_a_model_with_dropout_is_refused(tmp_path: Path) -> None:
    tokenizer = trained(["<|endoftext|>"])
    tokenizer.model.dropout = 0.1
    with pytest.raises(PlanError, match="dropout"):
        Tokenize(tokenizer=save(tmp_path, tokenizer)).open()


def test_empty_text_has_no_tokens(small: FileRef) -> None:
    assert ids(Tokenize(tokenizer=small), ["", None, "a"])[:2] == [[], []]
    assert ids(Tokenize(tokenizer=small), []) == []


def test_no_candidate_lists_what_there_is(tmp_path: Path) -> None:
    file = save(tmp_path, trained(["<stop>"]))
    with pytest.raises(PlanError, match=r"<\|endoftext\|>.*</s>.*found added tokens \['<stop>'\].*eos_token"):
        Tokenize(tokenizer=file).open()
    assert ids(Tokenize(tokenizer=file, append_eos=False), ["a"])
    assert ids(Tokenize(tokenizer=file, eos_token="<stop>"), ["a"])[0][-1] == 0
    with pytest.raises(PlanError, match=r"\['nope'\]"):
        Tokenize(tokenizer=file, eos_token="nope").open()


def test_an_eos_that_text_can_forge_is_refused(tmp_path: Path) -> None:
    tokenizer = trained(["<|endoftext|>"])
    tokenizer.add_tokens(["<stop>"])  # added, but not special: found in text whatever the settings
    file = save(tmp_path, tokenizer)
    with pytest.raises(PlanError, match="forge a boundary"):
        Tokenize(tokenizer=file, eos_token="<stop>").open()


def test_truncation_padding_and_templates_of_the_file_are_off(tmp_path: Path) -> None:
    tokenizer = trained(["<|endoftext|>"])
    plain = tokenizer.encode("the cat sat", add_special_tokens=False).ids
    tokenizer.enable_truncation(2)
    tokenizer.enable_padding(length=64)
    file = save(tmp_path, tokenizer)
    assert ids(Tokenize(tokenizer=file), ["the cat sat", "the"])[0] == [*plain, 0]


def test_a_file_that_is_no_tokenizer(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text(json.dumps({"model": 1}))
    with pytest.raises(PlanError, match=r"'x.json': expected a Hugging Face tokenizer.json"):
        Tokenize(tokenizer=pinned(tmp_path / "x.json")).open()


@settings(deadline=None)
@given(texts=st.lists(st.text(max_size=30), max_size=8), cut=st.integers(0, 8), limit=st.integers(1, 40))
def test_splitting_changes_nothing(small: FileRef, texts: list[str], cut: int, limit: int) -> None:
    annotate = Tokenize(tokenizer=small).open()
    whole = annotate(batch(list(texts)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reference_module, "ENCODE_CHARS", limit)
        patch.setattr(engine_module, "ENCODE_BYTES", limit)
        parts = [annotate(batch(list(texts[:cut]))), annotate(batch(list(texts[cut:])))]
    assert pa.Table.from_batches(parts).to_pylist() == whole.to_pylist()


@pytest.mark.parametrize("engine", ENGINES)
def test_one_word_of_a_quarter_megabyte_is_not_quadratic(small: FileRef, engine: str) -> None:
    annotate = Tokenize(tokenizer=small, engine=engine).open()
    begin = time.process_time()
    for unit in ("a", " ", "\n", "中", "the"):
        annotate(batch([unit * (250_000 // len(unit.encode()))]))
    assert time.process_time() - begin < 10  # about 1 s when linear, minutes when quadratic


@pytest.mark.parametrize("variable", ["TOKENIZERS_PARALLELISM", "RAYON_NUM_THREADS"])
def test_a_users_parallelism_setting_wins(small: FileRef, monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    monkeypatch.setenv(variable, "3")
    Tokenize(tokenizer=small).open()
    assert os.environ[variable] == "3"
    monkeypatch.delenv(variable)
    Tokenize(tokenizer=small).open()
    assert os.environ[variable] in {"false", "1"}
