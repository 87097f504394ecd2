"""The guard: what an engine refuses, may not see, or gets wrong."""

import pickle
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from tokenizers import Tokenizer, models, pre_tokenizers

from operators.tokenize import engines
from operators.tokenize.encoded import from_documents
from operators.tokenize.encoder import Encoder
from operators.tokenize.engine import Engine
from operators.tokenize.engines import LoadedTokenizer, reference_version
from operators.tokenize.reference import as_plain_text, encode_texts
from operators.tokenize.tokenizer import Tokenize
from pipeline.document import IdHasher
from pipeline.errors import FallBackNeeded
from pipeline.operator import FileRef

NUM_DOCUMENTS = 1_000
WRONG = 437
"""The document that the engine of these tests gets wrong."""


@pytest.fixture
def file(tmp_path: Path) -> FileRef:
    """A tokenizer of single bytes."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE(vocab={letter: index for index, letter in enumerate(alphabet)}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.add_special_tokens(["<|endoftext|>"])
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    return FileRef(uri="tokenizer.json").pin(tmp_path / "tokenizer.json")


def documents() -> pa.RecordBatch:
    doc_ids = IdHasher("tests", "documents").many(range(NUM_DOCUMENTS))
    texts = [f"document {index}, and more" for index in range(NUM_DOCUMENTS)]
    return pa.record_batch({"doc_id": doc_ids, "text": pa.array(texts, pa.large_string())})


def wrong_on_one(tokenizer_json: str, reads_special: bool) -> Engine:
    """An engine that is the reference itself but for one document, where it gives the right number of wrong ids."""
    del reads_special
    reference = as_plain_text(Tokenizer.from_str(tokenizer_json))

    def encode(texts: pa.Array):
        found = encode_texts(reference, texts.to_pylist())
        wrong = [text == f"document {WRONG}, and more" for text in texts.to_pylist()]
        return from_documents([ids + np.uint32(more) for ids, more in zip(found, wrong, strict=True)])

    return Engine("wrong", "1.0", encode)


@pytest.fixture
def wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "ENGINES", {"wrong": wrong_on_one})


@pytest.mark.usefixtures("wrong")
def test_one_wrong_document_in_a_thousand_asks_for_the_fallback(file: FileRef) -> None:
    operator = Tokenize(tokenizer=file, check_share=1)
    batch = documents()
    annotate = operator.open()
    assert operator.made_with() == "wrong 1.0"
    annotate(batch.slice(0, WRONG))
    annotate(batch.slice(WRONG + 1))
    with pytest.raises(FallBackNeeded) as caught:
        annotate(batch)
    found = pickle.loads(pickle.dumps(caught.value))
    assert (found.operator, found.reason) == (
        "tokenize",
        f"wrong 1.0 gave other ids than {reference_version()}",
    )
    assert found.detail == f"doc_id {batch['doc_id'][WRONG].as_py().hex()}"
    assert "more" not in str(found)

    fallback = operator.fallback()
    assert fallback is not None
    assert fallback.fallback() is None
    tokens = fallback.open()(batch)["tokens"]
    assert fallback.made_with() == reference_version()
    reference = Tokenizer.from_file(file.path)
    eos = reference.token_to_id("<|endoftext|>")
    assert tokens.to_pylist() == [[*reference.encode(text).ids, eos] for text in batch["text"].to_pylist()]


@pytest.mark.usefixtures("wrong")
def test_what_is_checked_depends_on_the_id_alone(file: FileRef) -> None:
    """The wrong document is found, or not, however the rows are cut, and by larger shares once it is by one."""
    batch = documents()

    def finds(share: float, cut: int) -> bool:
        annotate = Tokenize(tokenizer=file, check_share=share).open()
        try:
            for begin in range(0, NUM_DOCUMENTS, cut):
                annotate(batch.slice(begin, cut))
        except FallBackNeeded:
            return True
        return False

    found = [[finds(share, cut) for share in (0, 0.03, 0.3, 0.6, 0.9, 1)] for cut in (1_000, 37)]
    assert found[0] == found[1] == sorted(found[0])
    assert (found[0][0], found[0][-1]) == (False, True)


@pytest.mark.usefixtures("wrong")
def test_about_the_share_is_checked(file: FileRef, monkeypatch: pytest.MonkeyPatch) -> None:
    checked = []
    annotate = Tokenize(tokenizer=file, check_share=0.1).open()

    def counted(tokenizer: Tokenizer, texts: list[str]):
        checked.extend(texts)
        return encode_texts(tokenizer, texts)

    monkeypatch.setattr("operators.tokenize.encoder.encode_texts", counted)
    batch = documents()
    annotate(batch.slice(0, WRONG))
    annotate(batch.slice(WRONG + 1))
    assert 60 < len(checked) < 140


def loaded(engine: Engine) -> LoadedTokenizer:
    tokenizer = Tokenizer(models.WordLevel(vocab={"a": 0, "b": 1, "<s>": 2, "?": 3}, unk_token="?"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    return LoadedTokenizer(tokenizer, engine, ("<s>",))


def encode(engine: Engine, texts: list[str], num_special: list[int], share: float = 1):
    column = pa.array(texts, pa.large_string())
    doc_ids = IdHasher("tests", "texts").many(range(len(texts)))
    found = Encoder("tokenize", loaded(engine), share).encode(column, doc_ids, np.array(num_special, np.int64))
    return [ids.tolist() for ids in np.split(found.ids, found.bounds[1:-1])]


def by_letters(texts: pa.Array):
    if any("c" in text for text in texts.to_pylist()):
        raise ValueError("no c")
    if any("<" in text for text in texts.to_pylist()):
        pytest.fail("saw a special token")
    return from_documents(
        [np.array([" ab".index(letter) - 1 for letter in text.split()], np.uint32) for text in texts.to_pylist()]
    )


def test_what_the_engine_refuses_or_may_not_see_is_the_references() -> None:
    texts = ["a b", "a c", "<s> b", "", "b", "c c", "a <s>"]
    expected = [[0, 1], [0, 3], [3, 3, 3, 1], [], [1], [3, 3], [0, 3, 3, 3]]
    special = [0, 0, 1, 0, 0, 0, 1]
    shy = Engine("shy", "1", by_letters, wants_no_special=True)
    for share in (0, 1):
        assert encode(shy, texts, special, share) == expected
    for row in range(len(texts)):
        assert encode(shy, texts[row : row + 1], special[row : row + 1]) == expected[row : row + 1]


class PanicException(BaseException):
    """What compiled engines raise that came to a state that they had ruled out."""


def test_a_panic_is_a_refusal_and_an_interrupt_is_none() -> None:
    def raising(error: BaseException) -> Engine:
        def raised(_: pa.Array):
            raise error

        return Engine("raising", "1", raised)

    assert encode(raising(PanicException()), ["a", "b"], [0, 0]) == [[0], [1]]
    with pytest.raises(KeyboardInterrupt):
        encode(raising(KeyboardInterrupt()), ["a"], [0])
