import itertools
import json
import random
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import zstandard
from datasketch import MinHash
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from tokenizers import Tokenizer, models, pre_tokenizers

from operators.dedup.buckets import fill_buckets
from operators.dedup.minhash import MinHashSignature
from operators.dedup.shingles import Unit, shingle_hashes, token_shingle_hashes
from operators.dedup.signature import SIGNATURE_VALUE, values_of_column
from operators.text.normalized_characters import Normalization, normalized_text
from pipeline.document import TEXT_TYPE
from pipeline.operator import FileRef

SHARED = Path(__file__).parents[4] / ".." / "shared"
TEXT = st.text(st.sampled_from("ab cd 1.,\n中é"), max_size=80)


def columns(texts, **settings_):
    batch = pa.record_batch({"text": pa.array(texts, TEXT_TYPE)})
    return MinHashSignature(**settings_).open()(batch)


def signatures(texts, **settings_):
    return columns(texts, **settings_).column("minhash")


def values(texts):
    return values_of_column(signatures(texts), SIGNATURE_VALUE)[0]


def from_datasketch(texts, num_bands=14, rows_per_band=8, seed=1, hashes=shingle_hashes, **shingles):
    """Both columns as datasketch's signatures give them; None for a text without shingles."""
    rows = []
    for text in texts:
        sketch = MinHash(num_perm=num_bands * rows_per_band, seed=seed, scheme="affine32", hashfunc=int)
        sketch.update_batch(hashes(text, **shingles))
        buckets = np.empty(num_bands, np.uint64)
        fill_buckets(sketch.hashvalues, rows_per_band, buckets)
        row = {"minhash_buckets": buckets.tobytes(), "minhash": sketch.hashvalues[:256].astype(np.uint16).tobytes()}
        rows.append(row if len(hashes(text, **shingles)) else dict.fromkeys(row))
    return rows


@settings(deadline=None, derandomize=True, max_examples=50)
@given(st.lists(TEXT, max_size=6))
def test_equals_datasketch_bit_for_bit(texts):
    assert columns(texts).to_pylist() == from_datasketch(texts)


def test_equals_datasketch_for_every_number_of_shingles():
    # The kernel takes four at a time; the long document before leaves its values in the scratch.
    words = [f"{one}{other}" for one in "abcdef" for other in "ghijkl"]
    texts = [" ".join(words), *(" ".join(reversed(words[:count])) for count in range(1, 20))]
    assert columns(texts).to_pylist() == from_datasketch(texts)


@settings(deadline=None, derandomize=True, max_examples=100)
@given(
    texts=st.lists(TEXT, max_size=3),
    num_bands=st.integers(1, 40),
    rows_per_band=st.integers(1, 20),
    seed=st.integers(0, 2**32 - 1),
    ngram=st.integers(1, 30),
    unit=st.sampled_from([Unit.WORD, Unit.CHARACTER]),
    normalization=st.sampled_from(Normalization),
)
def test_equals_datasketch_for_all_settings(texts, **fields):
    assert columns(texts, **fields).to_pylist() == from_datasketch(texts, **fields)


@pytest.fixture(scope="module")
def word_tokenizer(tmp_path_factory):
    """A tokenizer of which every token is a word between spaces."""
    tokenizer = Tokenizer(models.WordLevel({"[UNK]": 0, "ab": 1, "cd": 2, "x": 3}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    path = tmp_path_factory.mktemp("tokenizer") / "tokenizer.json"
    tokenizer.save(str(path))
    return FileRef(uri=path.name).pin(path)


@settings(deadline=None, derandomize=True, max_examples=50)
@given(texts=st.lists(TEXT, max_size=4), ngram=st.integers(1, 6), normalization=st.sampled_from(Normalization))
def test_equals_datasketch_for_tokens(word_tokenizer, texts, ngram, normalization):
    tokenizer = Tokenizer.from_file(word_tokenizer.path)

    def hashes(text, ngram):
        ids = tokenizer.encode(normalized_text(text, normalization)).ids
        return token_shingle_hashes(np.array(ids, np.uint32), ngram)

    fields = {"unit": "token", "tokenizer": word_tokenizer, "normalization": normalization}
    found = columns(texts, ngram=ngram, **fields).to_pylist()
    assert found == from_datasketch(texts, ngram=ngram, hashes=hashes)


def test_short_documents_are_compared_whole():
    same, other, empty = signatures(["Just three words", "just  three: WORDS", "three words"]).to_pylist()
    assert same == other
    assert same != empty
    assert len(shingle_hashes("just three words")) == 1


def test_null_where_no_word_is_left():
    for column in columns(["", " ... \n", "\u0301", "x"]):
        assert column.is_valid().to_pylist() == [False, False, False, True]


def test_null_rows_hold_zeros_so_that_bytes_do_not_depend_on_memory():
    for column in columns(["", "a", ""]):
        one, other, third = np.split(np.frombuffer(column.buffers()[1], np.uint8), 3)
        assert not one.any()
        assert other.any()
        assert not third.any()


@settings(deadline=None, derandomize=True, max_examples=50)
@given(st.lists(TEXT, min_size=1, max_size=8), st.data())
def test_splitting_batches_changes_nothing(texts, data):
    cut = data.draw(st.integers(0, len(texts)))
    function = MinHashSignature().open()
    batch = pa.record_batch({"text": pa.array(texts, TEXT_TYPE)})
    parts = function(batch.slice(0, cut)).to_pylist() + function(batch.slice(cut)).to_pylist()
    assert parts == function(batch).to_pylist()


def test_schema_is_the_declared_one_for_no_rows():
    operator = MinHashSignature(num_bands=3, rows_per_band=2)
    result = operator.open()(pa.record_batch({"text": pa.array([], TEXT_TYPE)}))
    assert result.schema == operator.adds()
    assert operator.adds().types == [pa.binary(8 * 3), pa.binary(2 * 6)]


@pytest.mark.parametrize(
    "wrong", [{"num_bands": 0}, {"rows_per_band": 0}, {"ngram": 0}, {"seed": -1}, {"unit": "line"}]
)
def test_refuses_settings_without_meaning(wrong):
    with pytest.raises(ValidationError):
        MinHashSignature(**wrong)


def test_estimates_jaccard_within_its_standard_error():
    rng = random.Random(7)
    vocabulary = ["".join(letters) for letters in itertools.product("abcdefgh", repeat=3)]
    errors, expected = [], []
    for index in range(200):
        words = rng.choices(vocabulary, k=300)
        edited = [rng.choice(vocabulary) if rng.random() < index / 2000 else word for word in words]
        one, other = (set(shingle_hashes(" ".join(part)).tolist()) for part in (words, edited))
        jaccard = len(one & other) / len(one | other)
        first, second = values([" ".join(words), " ".join(edited)])
        errors.append(np.mean(first == second) - jaccard)
        expected.append(jaccard * (1 - jaccard) / 112)
    # 200 pairs: the root mean square strays by 5 % of itself, the mean by 7 % of it; bounds at three of these.
    theory = np.sqrt(np.mean(expected))
    assert np.sqrt(np.mean(np.square(errors))) == pytest.approx(theory, rel=0.15)
    assert abs(np.mean(errors)) < 0.21 * theory


def gold_pairs(num_pairs):
    """(exact 5-word Jaccard, two texts) of real pages in several versions."""
    pairs_path = SHARED / "data/gold/same_page_pairs.jsonl.zst"
    pages_folder = SHARED / "data/text/powershell_docs"
    if not pairs_path.exists() or not pages_folder.exists():
        pytest.skip("needs ../shared/data/gold and ../shared/data/text/powershell_docs, which are not there")
    with zstandard.open(pairs_path, "rt", encoding="utf-8") as stream:
        pairs = [pair for pair in map(json.loads, stream) if pair["set"] == "powershell_docs"]
    pairs = random.Random(1).sample(pairs, num_pairs)
    texts = {}
    for path in sorted(pages_folder.glob("*.jsonl.zst")):
        with zstandard.open(path, "rt", encoding="utf-8") as stream:
            texts.update((page["id"], page["text"]) for page in map(json.loads, stream))
    return [(pair["jaccard5w"], texts[pair["a"]], texts[pair["b"]]) for pair in pairs]


def test_estimates_agree_with_the_exact_similarity_of_real_pages():
    pairs = gold_pairs(500)
    first = values([one for _, one, _ in pairs])
    second = values([other for _, _, other in pairs])
    exact = np.array([jaccard for jaccard, _, _ in pairs])
    errors = (first == second).mean(axis=1) - exact
    # The exact values are of plain lower-case words, so the bounds leave room beside the standard error of 0.017.
    assert np.sqrt(np.mean(errors**2)) < 0.03
    assert abs(np.mean(errors)) < 0.01


def test_notes_say_what_is_compared_and_what_meets():
    shingles, preset, curve, size = MinHashSignature().notes()
    assert shingles.startswith(
        "shingles: 5 words (in scripts written without spaces a character is a word), lower case"
    )
    assert preset.startswith("settings of preset fineweb (")
    assert "0.70 0.565, 0.75 0.772, 0.80 0.924" in curve
    assert curve.endswith("0.95 1.000")
    assert size == "columns: 336 bytes a document before compression"


def test_bytes_of_the_notes_are_those_of_the_columns():
    operator = MinHashSignature(num_bands=20, rows_per_band=13)
    num_bytes = sum(column.type.byte_width for column in columns(["a"], num_bands=20, rows_per_band=13))
    assert operator.notes()[-1] == f"columns: {num_bytes} bytes a document before compression"


def test_notes_of_settings_of_nobody_name_no_preset():
    assert len(MinHashSignature(ngram=7).notes()) == 3
