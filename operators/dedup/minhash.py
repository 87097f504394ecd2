"""MinHash signatures of shingles.

Arrays: D documents, S shingles of one document, K permutations (num_bands * rows_per_band), V of their values kept.
"""

from typing import ClassVar, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from operators.dedup.buckets import collision_probability, fill_buckets
from operators.dedup.presets import preset_notes
from operators.dedup.settings import MinHashSettings, NumBands, RowsPerBand, Seed
from operators.dedup.shingle_operator import ShingleOperator
from operators.dedup.shingles import Scratch, Shingling, scratch_for, shingle_document
from operators.dedup.signature import (
    BUCKETS,
    SIGNATURE,
    buckets_type,
    column_of_values,
    num_kept_values,
    signature_type,
)
from pipeline.document import TEXT
from pipeline.hashing import mix32
from pipeline.kernel import Bytes, Offsets, kernel
from pipeline.operator import AnnotateFunction

UInt16Array = npt.NDArray[np.uint16]
UInt32Array = npt.NDArray[np.uint32]
UInt64Array = npt.NDArray[np.uint64]

_NO_SHINGLE: Final = np.uint32(0xFFFFFFFF)


class Permutations(NamedTuple):
    """K affine permutations of 32 bits: x -> multiplier * x + addend, modulo 2^32, multipliers odd."""

    multipliers: UInt32Array  # (K,)
    addends: UInt32Array  # (K,)


class Written(NamedTuple):
    """What the kernel fills. Rows without shingles stay as they are."""

    buckets: UInt64Array  # (D, num_bands)
    signatures: UInt16Array  # (D, V)
    empty: npt.NDArray[np.bool_]  # (D,) whether there is no shingle


def permutations(num_permutations: int, seed: int) -> Permutations:
    """The permutations that datasketch 2.0 draws for scheme "affine32": equal seeds give equal signatures."""
    # NumPy has frozen this old generator's stream; the newer ones may change theirs.
    stream = np.random.RandomState(seed)
    halves = stream.randint(0, 1 << 31, num_permutations, dtype=np.uint32)
    addends = stream.randint(0, 1 << 32, num_permutations, dtype=np.uint32)
    return Permutations(halves * np.uint32(2) + np.uint32(1), addends)


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
    how: Shingling,
    drawn: Permutations,
    scratch: Scratch,
    written: Written,
) -> None:
    """Writes buckets and signatures of D documents, and which of them have no shingle."""
    buckets, signatures, empty = written
    smallest = np.empty(drawn.multipliers.shape[0], np.uint32)  # (K,)
    rows_per_band = smallest.shape[0] // buckets.shape[1]
    for document in range(offsets.shape[0] - 1):
        d = np.uintp(document)
        num_shingles = shingle_document(data, offsets[d], offsets[d + np.uintp(1)], how, scratch)
        empty[d] = num_shingles == 0
        if num_shingles:
            _permute(scratch.shingles, num_shingles, drawn, smallest)
            fill_buckets(smallest, rows_per_band, buckets[d])
            for index in range(signatures.shape[1]):
                signatures[d, np.uintp(index)] = np.uint16(smallest[np.uintp(index)] & np.uint32(0xFFFF))


class MinHashSignature(ShingleOperator):
    """Adds the MinHash signature of each document's shingles, and its buckets.

    Words of the default normalisation are those of `operators.text.normalize`: lower case, numbers as `0`, no
    punctuation, no nonspacing marks. In scripts written without spaces (Chinese, Japanese, Thai, Lao, Khmer, Burmese)
    each character is a word. A document with fewer units than `ngram` is one shingle, so only equal short documents
    are alike. `operators.dedup.presets` has the settings of published pipelines.

    Columns:
        text: read.
        minhash_buckets: written; num_bands uint64 as bytes, little-endian, in each band a hash of its rows_per_band
            values. Documents with an equal one are candidates, how probably says `buckets.collision_probability`.
        minhash: written; uint16 as bytes, little-endian: the low half of the first values, 256 at most. The share of
            equal ones of two signatures estimates the Jaccard similarity of their shingles, with standard error
            sqrt(J (1 - J) / V): at most 0.048 for 112.

        Both are null where no unit is left after normalisation.

    Determinism:
        Exact: permutations are drawn from `seed`, never from a document.

    Raises:
        PlanError: the tokenizer's file is none.

    Source:
        Broder, On the resemblance and containment of documents, 1997. Normalisation, n-gram length and 14 bands of 8
        rows: datatrove 0.10 (FineWeb, arXiv 2406.17557). Permutations: datasketch 2.0, scheme "affine32",
        bit for bit. Unlike datatrove, short documents have a signature, capital and final sigma are one letter, and a
        character with several bases (Hangul syllables) is not decomposed.

    Cost:
        One pass over the bytes and S * K multiplications a document; 10 bytes of scratch a byte of the longest text;
        8 bytes a band and 2 a kept value are written: 336 bytes a document for 14 bands of 8. Unit `token` is some
        hundred times slower than `word`, since the tokenizer's library makes an object of every document.
    """

    name: ClassVar[str] = "minhash_signature"
    version: ClassVar[int] = 3

    num_bands: NumBands = 14
    rows_per_band: RowsPerBand = 8
    seed: Seed = 1

    def adds(self) -> pa.Schema:
        """The buckets and the signature."""
        return pa.schema(
            [
                pa.field(BUCKETS, buckets_type(self.num_bands)),
                pa.field(SIGNATURE, signature_type(self.num_bands * self.rows_per_band)),
            ]
        )

    def notes(self) -> tuple[str, ...]:
        """What is compared, whose settings these are, which similarities meet, and what is written."""
        settings = {name: getattr(self, name) for name in MinHashSettings.model_fields}
        num_bytes = sum(field.type.byte_width for field in self.adds())
        return (
            self.shingle_note(),
            *preset_notes(MinHashSettings(**settings)),
            f"share a bucket, by Jaccard similarity: {_curve(self.num_bands, self.rows_per_band)}",
            f"columns: {num_bytes} bytes a document before compression",
        )

    def open(self) -> AnnotateFunction:
        """Draws the permutations and loads the fold table."""
        drawn = permutations(self.num_bands * self.rows_per_band, self.seed)
        how, read_documents = self.open_shingling()
        schema = self.adds()

        def annotate(batch: pa.RecordBatch) -> pa.RecordBatch:
            data, offsets = read_documents(batch.column(TEXT))
            num_documents = batch.num_rows
            scratch = scratch_for(int(np.diff(offsets).max(initial=0)), how.way)
            # Zeros, not what memory held: the rows of null signatures reach the written bytes.
            written = Written(
                np.zeros((num_documents, self.num_bands), np.uint64),
                np.zeros((num_documents, num_kept_values(len(drawn.multipliers))), np.uint16),
                np.zeros(num_documents, np.bool_),
            )
            _signatures(data, offsets, how, drawn, scratch, written)
            columns = [column_of_values(values, written.empty) for values in (written.buckets, written.signatures)]
            return pa.record_batch(columns, schema=schema)

        return annotate


def _curve(num_bands: int, rows_per_band: int) -> str:
    """How probable it is that documents of some similarities share a bucket."""
    return ", ".join(
        f"{percent / 100:.2f} {collision_probability(percent / 100, num_bands, rows_per_band):.3f}"
        for percent in range(50, 100, 5)
    )
