"""MinHash signatures of word n-gram shingles, and the public shingle hash under them.

Arrays: D documents, S shingles of one document, K permutations (num_bands * rows_per_band), V of their values kept.
"""

from typing import ClassVar, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import Field

from operators.dedup.buckets import fill_buckets
from operators.dedup.signature import BUCKETS, SIGNATURE, buckets_type, column_of_lists, signature_type
from operators.text.hashing import SHINGLE_MULTIPLIER, mix32, mix64
from operators.text.kernel import Bytes, Offsets, kernel, text_buffers
from operators.text.normalize import Folding, load_folding, max_words, scan_words
from pipeline.document import TEXT, TEXT_TYPE
from pipeline.operator import AnnotateFunction, Annotator

UInt16Array = npt.NDArray[np.uint16]
UInt32Array = npt.NDArray[np.uint32]
UInt64Array = npt.NDArray[np.uint64]

SHINGLE_HASH_VERSION: Final = 1
"""Raised whenever `shingle_hashes` may return other values for some text. Equal versions can be compared."""

_NO_SHINGLE: Final = np.uint32(0xFFFFFFFF)


class Permutations(NamedTuple):
    """K affine permutations of 32 bits: x -> multiplier * x + addend, modulo 2^32, multipliers odd."""

    multipliers: UInt32Array  # (K,)
    addends: UInt32Array  # (K,)


class Scratch(NamedTuple):
    """Room for the longest document of a batch."""

    words: UInt64Array  # (W,)
    rolling: UInt64Array  # (W,)
    shingles: UInt32Array  # (W,)


class Written(NamedTuple):
    """What the kernel fills. Rows without words stay as they are."""

    buckets: UInt64Array  # (D, num_bands)
    signatures: UInt16Array  # (D, V)
    empty: npt.NDArray[np.bool_]  # (D,) whether there is no word


def permutations(num_permutations: int, seed: int) -> Permutations:
    """The permutations that datasketch 2.0 draws for scheme "affine32": equal seeds give equal signatures."""
    # NumPy has frozen this old generator's stream; the newer ones may change theirs.
    stream = np.random.RandomState(seed)
    halves = stream.randint(0, 1 << 31, num_permutations, dtype=np.uint32)
    addends = stream.randint(0, 1 << 32, num_permutations, dtype=np.uint32)
    return Permutations(halves * np.uint32(2) + np.uint32(1), addends)


@kernel
def _shingle(words: UInt64Array, num_words: int, ngram_words: int, rolling: UInt64Array, out: UInt32Array) -> int:
    """Writes the shingle hashes of `words[:num_words]`, one for each n-gram of words, in order; returns S.

    A document shorter than one n-gram is one shingle: it is compared whole. Without words there is none.
    """
    if num_words == 0:
        return 0
    length = np.uintp(min(num_words, ngram_words))
    top = np.uint64(1)  # SHINGLE_MULTIPLIER ** length: the weight of the word that leaves the window
    rolled = np.uint64(0)
    for index in range(length):
        top *= SHINGLE_MULTIPLIER
        rolled = rolled * SHINGLE_MULTIPLIER + words[np.uintp(index)]
    num_shingles = np.uintp(num_words) - length + np.uintp(1)
    rolling[np.uintp(0)] = rolled
    first = np.uintp(1)
    while first < num_shingles:
        last = first + length - np.uintp(1)
        rolled = rolled * SHINGLE_MULTIPLIER + words[last] - words[first - np.uintp(1)] * top
        rolling[first] = rolled
        first += np.uintp(1)
    for index in range(num_shingles):  # apart from the loop above, which no compiler can vectorise
        out[np.uintp(index)] = np.uint32(mix64(rolling[np.uintp(index)]) >> np.uint64(32))
    return int(np.int64(num_shingles))  # one signed type for both returns: Numba would make them floats


@kernel
def _permute(shingles: UInt32Array, num_shingles: int, drawn: Permutations, out: UInt32Array) -> None:
    """Writes the smallest value of every permutation, (K,). Overwrites `shingles` with their mixed values.

    Four shingles a pass, so that the permutations and minima are loaded once for four.
    """
    multipliers, addends = drawn
    num_permutations = np.uintp(multipliers.shape[0])
    num = np.uintp(num_shingles)
    for index in range(num):
        shingles[np.uintp(index)] = mix32(shingles[np.uintp(index)])
    for index in range(num_permutations):
        out[np.uintp(index)] = _NO_SHINGLE
    at = np.uintp(0)
    while at + np.uintp(4) <= num:
        x0 = shingles[at]
        x1 = shingles[at + np.uintp(1)]
        x2 = shingles[at + np.uintp(2)]
        x3 = shingles[at + np.uintp(3)]
        for index in range(num_permutations):
            k = np.uintp(index)
            a = multipliers[k]
            b = addends[k]
            smallest = min(np.uint32(a * x0 + b), np.uint32(a * x1 + b))
            smallest = min(smallest, np.uint32(a * x2 + b))
            smallest = min(smallest, np.uint32(a * x3 + b))
            out[k] = min(out[k], smallest)
        at += np.uintp(4)
    while at < num:
        x0 = shingles[at]
        for index in range(num_permutations):
            k = np.uintp(index)
            out[k] = min(out[k], np.uint32(multipliers[k] * x0 + addends[k]))
        at += np.uintp(1)


@kernel
def _signatures(
    data: Bytes,
    offsets: Offsets,
    ngram_words: int,
    folding: Folding,
    drawn: Permutations,
    scratch: Scratch,
    written: Written,
) -> None:
    """Writes buckets and signatures of D documents, and which of them have no word."""
    words, rolling, shingles = scratch
    buckets, signatures, empty = written
    smallest = np.empty(drawn.multipliers.shape[0], np.uint32)  # (K,)
    rows_per_band = smallest.shape[0] // buckets.shape[1]
    for document in range(offsets.shape[0] - 1):
        d = np.uintp(document)
        num_words = scan_words(data, offsets[document], offsets[document + 1], folding, words)
        num_shingles = _shingle(words, num_words, ngram_words, rolling, shingles)
        empty[d] = num_shingles == 0
        if num_shingles:
            _permute(shingles, num_shingles, drawn, smallest)
            fill_buckets(smallest, rows_per_band, buckets[d])
            for index in range(signatures.shape[1]):
                signatures[d, np.uintp(index)] = np.uint16(smallest[np.uintp(index)] & np.uint32(0xFFFF))


def _scratch(longest_bytes: int) -> Scratch:
    size = max_words(longest_bytes)
    return Scratch(np.empty(size, np.uint64), np.empty(size, np.uint64), np.empty(size, np.uint32))


def shingle_hashes(text: str, ngram_words: int = 5) -> UInt32Array:
    """The 32-bit hashes of a text's shingles, in order and with repeats: what signatures are made of.

    A text with fewer than `ngram_words` words is one shingle; one without words has none. Values are stable for a
    `SHINGLE_HASH_VERSION`. Signatures made elsewhere from these hashes can be compared with corpusmill's:

        >>> from datasketch import MinHash
        >>> from operators.dedup.minhash import MinHashSignature, shingle_hashes
        >>> sketch = MinHash(num_perm=112, seed=1, scheme="affine32", hashfunc=int)
        >>> sketch.update_batch(shingle_hashes("The quick brown fox jumps over the lazy dog."))
        >>> batch = pa.record_batch({"text": pa.array(["the QUICK brown fox, jumps over the lazy dog"], TEXT_TYPE)})
        >>> ours = MinHashSignature().open()(batch).column("minhash")[0].as_py()
        >>> (sketch.hashvalues & 0xFFFF).tolist() == ours
        True
    """
    if ngram_words < 1:
        raise ValueError(f"shingle_hashes: expected ngram_words >= 1; found {ngram_words}")
    data = np.frombuffer(text.encode(), np.uint8)
    words, rolling, shingles = _scratch(len(data))
    num_words = scan_words(data, 0, len(data), load_folding(), words)
    return shingles[: _shingle(words, num_words, ngram_words, rolling, shingles)]


class MinHashSignature(Annotator):
    """Adds the MinHash signature of each document's word n-grams.

    Words are those of `operators.text.normalize`: lower case, numbers as `0`, no punctuation, no nonspacing marks. In
    scripts written without spaces (Chinese, Japanese, Thai, Lao, Khmer, Burmese) each character is a word. A document
    with fewer words than `ngram_words` is one shingle, so only equal short documents are alike.

    Columns:
        text: read.
        minhash_buckets: written; fixed-size list of num_bands uint64, in each band a hash of its rows_per_band values.
            Documents with an equal one are candidates; `buckets.collision_probability` says how probable that is.
        minhash: written; fixed-size list of uint16, the low half of the first values, 256 at most. The share of equal
            ones of two signatures estimates the Jaccard similarity of their shingles, with standard error
            sqrt(J (1 - J) / V): at most 0.048 for 112.

        Both are null where no word is left after normalisation.

    Determinism:
        Exact: permutations are drawn from `seed`, never from a document.

    Source:
        Broder, On the resemblance and containment of documents, 1997. Normalisation, n-gram length and 14 bands of 8
        rows: datatrove 0.10 (FineWeb, arXiv 2406.17557). Permutations: datasketch 2.0, scheme "affine32",
        bit for bit. Unlike datatrove, short documents have a signature, capital and final sigma are one letter, and a
        character with several bases (Hangul syllables) is not decomposed.

    Cost:
        One pass over the bytes and S * K multiplications a document; 10 bytes of scratch a byte of the longest text;
        8 bytes a band and 2 a kept value are written: 336 bytes a document for 14 bands of 8.
    """

    name: ClassVar[str] = "minhash_signature"
    version: ClassVar[int] = 2

    num_bands: int = Field(default=14, ge=1)
    rows_per_band: int = Field(default=8, ge=1)
    ngram_words: int = Field(default=5, ge=1)
    seed: int = Field(default=1, ge=0, lt=1 << 32)

    def requires(self) -> pa.Schema:
        """The text."""
        return pa.schema([pa.field(TEXT, TEXT_TYPE, nullable=False)])

    def adds(self) -> pa.Schema:
        """The buckets and the signature."""
        return pa.schema(
            [
                pa.field(BUCKETS, buckets_type(self.num_bands)),
                pa.field(SIGNATURE, signature_type(self.num_bands * self.rows_per_band)),
            ]
        )

    def open(self) -> AnnotateFunction:
        """Draws the permutations and loads the fold table."""
        drawn = permutations(self.num_bands * self.rows_per_band, self.seed)
        folding = load_folding()
        schema = self.adds()
        buckets, signature = schema

        def annotate(batch: pa.RecordBatch) -> pa.RecordBatch:
            data, offsets = text_buffers(batch.column(TEXT))
            num_documents = batch.num_rows
            longest = int(np.diff(offsets).max()) if num_documents else 0
            # Zeros, not what memory held: the rows of null signatures reach the written bytes.
            written = Written(
                np.zeros((num_documents, buckets.type.list_size), np.uint64),
                np.zeros((num_documents, signature.type.list_size), np.uint16),
                np.zeros(num_documents, np.bool_),
            )
            _signatures(data, offsets, self.ngram_words, folding, drawn, _scratch(longest), written)
            columns = [column_of_lists(values, written.empty) for values in (written.buckets, written.signatures)]
            return pa.record_batch(columns, schema=schema)

        return annotate
