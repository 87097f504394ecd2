import doctest
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

import operators.dedup.minhash as minhash_module
from operators.dedup.buckets import fill_buckets
from operators.dedup.minhash import SHINGLE_HASH_VERSION, MinHashSignature, shingle_hashes
from operators.text.normalize import word_hashes
from pipeline.document import TEXT_TYPE

SHARED = Path(__file__).parents[4] / ".." / "shared"
TEXT = st.text(st.sampled_from("ab cd 1.,\n中é"), max_size=80)


def columns(texts, **settings_):
    batch = pa.record_batch({"text": pa.array(texts, TEXT_TYPE)})
    return MinHashSignature(**settings_).open()(batch)


def signatures(texts, **settings_):
    return columns(texts, **settings_).column("minhash")


def from_datasketch(texts, num_bands=14, rows_per_band=8, **settings_):
    """Both columns as datasketch's signatures give them; None for a text without words."""
    rows = []
    for text in texts:
        values = datasketch_signature(text, num_perm=num_bands * rows_per_band, **settings_)
        buckets = np.empty(num_bands, np.uint64)
        fill_buckets(values, rows_per_band, buckets)
        row = {"minhash_buckets": buckets.tolist(), "minhash": (values[:256] & 0xFFFF).tolist()}
        rows.append(row if len(word_hashes(text)) else dict.fromkeys(row))
    return rows


def datasketch_signature(text, *, num_perm=112, seed=1, ngram_words=5):
    sketch = MinHash(num_perm=num_perm, seed=seed, scheme="affine32", hashfunc=int)
    sketch.update_batch(shingle_hashes(text, ngram_words))
    return sketch.hashvalues


def plain_shingle_hashes(text, ngram_words):
    """Shingles one by one in Python's integers, from the word hashes."""
    words = word_hashes(text).tolist()
    length = min(len(words), ngram_words)
    hashes = []
    for start in range(len(words) - length + 1 if words else 0):
        value = 0
        for word in words[start : start + length]:
            value = (value * 0xD6E8FEB86659FD93 + word) & (1 << 64) - 1
        value = (value ^ value >> 33) * 0xFF51AFD7ED558CCD & (1 << 64) - 1
        value = (value ^ value >> 33) * 0xC4CEB9FE1A85EC53 & (1 << 64) - 1
        hashes.append((value ^ value >> 33) >> 32)
    return hashes


@settings(deadline=None, derandomize=True, max_examples=50)
@given(TEXT, st.integers(1, 6))
def test_rolling_shingles_equal_shingles_one_by_one(text, ngram_words):
    assert shingle_hashes(text, ngram_words).tolist() == plain_shingle_hashes(text, ngram_words)


@settings(deadline=None, derandomize=True, max_examples=50)
@given(st.lists(TEXT, max_size=6))
def test_equals_datasketch_bit_for_bit(texts):
    assert columns(texts).to_pylist() == from_datasketch(texts)


def test_equals_datasketch_for_every_number_of_shingles():
    # The kernel takes four at a time; the long document before leaves its values in the scratch.
    words = [f"{one}{other}" for one in "abcdef" for other in "ghijkl"]
    texts = [" ".join(words), *(" ".join(reversed(words[:count])) for count in range(1, 20))]
    assert columns(texts).to_pylist() == from_datasketch(texts)


@pytest.mark.parametrize(
    ("num_bands", "rows_per_band", "ngram_words", "seed"),
    [(1, 1, 1, 0), (9, 13, 3, 42), (5, 4, 13, 2**32 - 1), (20, 13, 2, 7)],
)
def test_equals_datasketch_for_other_settings(num_bands, rows_per_band, ngram_words, seed):
    texts = [" ".join(random.Random(seed).choices(["one", "two", "three", "four"], k=50))]
    fields = {"num_bands": num_bands, "rows_per_band": rows_per_band, "ngram_words": ngram_words, "seed": seed}
    assert columns(texts, **fields).to_pylist() == from_datasketch(texts, **fields)


def test_shingle_hashes_are_frozen():
    """Other values need another SHINGLE_HASH_VERSION: people keep these and mix them with datasketch's sketches."""
    assert SHINGLE_HASH_VERSION == 1
    assert shingle_hashes("The quick brown fox, 3.5 years old, jumps.").tolist() == [
        1355162029,
        2596685230,
        3119204145,
        3277466156,
    ]
    assert shingle_hashes("Müßig: 中文 ไทย").tolist() == [3563646546, 1336450234]


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
        one, other, third = np.split(column.values.to_numpy(), 3)
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
    assert operator.adds().types == [pa.list_(pa.uint64(), 3), pa.list_(pa.uint16(), 6)]


def test_documented_example_runs():
    results = doctest.testmod(minhash_module, raise_on_error=True)
    assert results.attempted == 7


@pytest.mark.parametrize("wrong", [{"num_bands": 0}, {"rows_per_band": 0}, {"ngram_words": 0}, {"seed": -1}])
def test_refuses_settings_without_meaning(wrong):
    with pytest.raises(ValidationError):
        MinHashSignature(**wrong)


def test_shingle_hashes_refuses_ngrams_without_words():
    with pytest.raises(ValueError, match="expected ngram_words >= 1; found 0"):
        shingle_hashes("text", 0)


def test_estimates_jaccard_within_its_standard_error():
    rng = random.Random(7)
    vocabulary = ["".join(letters) for letters in itertools.product("abcdefgh", repeat=3)]
    errors, expected = [], []
    for index in range(200):
        words = rng.choices(vocabulary, k=300)
        edited = [rng.choice(vocabulary) if rng.random() < index / 2000 else word for word in words]
        one, other = (set(shingle_hashes(" ".join(part)).tolist()) for part in (words, edited))
        jaccard = len(one & other) / len(one | other)
        first, second = signatures([" ".join(words), " ".join(edited)]).to_pylist()
        errors.append(np.mean(np.array(first) == np.array(second)) - jaccard)
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
    first = np.array(signatures([one for _, one, _ in pairs]).to_pylist())
    second = np.array(signatures([other for _, _, other in pairs]).to_pylist())
    exact = np.array([jaccard for jaccard, _, _ in pairs])
    errors = (first == second).mean(axis=1) - exact
    # The exact values are of plain lower-case words, so the bounds leave room beside the standard error of 0.017.
    assert np.sqrt(np.mean(errors**2)) < 0.03
    assert abs(np.mean(errors)) < 0.01
