"""Canaries: edited copies of known similarity, and documents that resemble none, to measure what is removed."""

import json
import random
from collections.abc import Iterator, Sequence
from typing import ClassVar, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import xxhash

from operators.dedup.canary_choice import LARGEST_HASH, canary_hashes
from operators.dedup.components import CLUSTER_SIZE
from operators.dedup.jaccard import jaccard
from operators.dedup.minhash import MinHashSignature
from operators.dedup.settings import MinHashSettings, Seed
from operators.dedup.shingle_operator import shingle_settings
from operators.dedup.shingle_sets import SHINGLES, SHINGLES_TYPE, ShingleSets
from pipeline.document import DOC_ID, DOC_ID_TYPE, TEXT, TEXT_TYPE
from pipeline.operator import AnnotateFunction, Determinism, FileRef, ShardFunction, ShardOperator

ORIGINAL: Final = "original"
JACCARD: Final = "jaccard"
TARGETS: Final = (0.95, 0.9, 0.85, 0.8, 0.75, 0.7, 0.6, 0.5)
"""Similarities of copies: from where all are found to where hardly any is, with the default settings."""
_SHARES: Final = (0.0025, 0.005, 0.01, 0.015, 0.02, 0.03, 0.04, 0.05, 0.065, 0.08, 0.1, 0.13, 0.16, 0.2, 0.25, 0.3)
"""Shares of pieces that are replaced, of which the one that comes nearest to a copy's target is taken."""
_MIN_PIECES: Final = 20
"""Of a text with fewer words its characters are replaced; with fewer characters it gets no canary."""

UInt32Array = npt.NDArray[np.uint32]


class _Chosen(NamedTuple):
    """A document that gets a canary."""

    doc_id: bytes
    drawn: int
    pieces: list[str]
    joint: str


class _Planted(NamedTuple):
    """A canary."""

    doc_id: bytes
    original: bytes | None
    similarity: float
    text: str


class PlantCanaries(MinHashSettings, ShardOperator):
    """Yields canaries of the chosen documents of a shard: rows with signatures, and what is true about them.

    One of nine is a document of random words of the shard, which resembles none. The others are copies of one chosen
    document each, of which random words are replaced by random words of the shard. Their similarity is measured, so
    that shingles which repeat, and replacements that hit twice, do not matter.

    Columns:
        doc_id, cluster_size, text: read; only documents without company are chosen.
        doc_id: written; a hash of the seed and of the original's.
        minhash_buckets, minhash: written, as minhash_signature does; shingles too, as shingle_sets does.
        original: written; the doc_id of which it is a copy, null for a document of random words.
        jaccard: written; float64, the exact similarity of their shingles, 0 for a document of random words.

    Determinism:
        Seeded: by a hash of the seed and the doc_id; replacements are words of the same shard.

    Source:
        The replacement of random words: ours.

    Cost:
        Sixteen edits of each chosen text, and their shingles: milliseconds a canary. Holds the shard's chosen texts.
    """

    name: ClassVar[str] = "plant_canaries"
    version: ClassVar[int] = 2
    determinism: ClassVar[Determinism] = Determinism.SEEDED

    choice: FileRef
    """A `canaries.json` of canary_choice."""
    choice_seed: Seed = 1

    def requires(self) -> pa.Schema:
        """The text, whose it is, and whether it has company."""
        fields = [pa.field(DOC_ID, DOC_ID_TYPE, nullable=False), pa.field(CLUSTER_SIZE, pa.uint32())]
        return pa.schema([*fields, pa.field(TEXT, TEXT_TYPE, nullable=False)])

    def output_schema(self, given: pa.Schema) -> pa.Schema:  # noqa: ARG002 -- canaries have columns of their own
        """Signatures, and what is true."""
        truth = [pa.field(ORIGINAL, DOC_ID_TYPE), pa.field(JACCARD, pa.float64(), nullable=False)]
        signature = [*self._signature().adds(), pa.field(SHINGLES, SHINGLES_TYPE)]
        return pa.schema([pa.field(DOC_ID, DOC_ID_TYPE, nullable=False), *signature, *truth])

    def open(self) -> ShardFunction:
        """Reads the choice, and opens what makes signatures and sets."""
        largest = np.uint64(json.loads(self.choice.open_path().read_text())[LARGEST_HASH])
        sign = self._signature().open()
        sets = self._sets().open()
        schema = self.output_schema(pa.schema([]))

        def plant(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            chosen = [one for batch in batches for one in self._chosen(batch, largest)]
            planted = list(_planted(chosen, sets, self.choice_seed))
            texts = pa.record_batch([pa.array([one.text for one in planted], TEXT_TYPE)], [TEXT])
            columns = [
                pa.array([one.doc_id for one in planted], DOC_ID_TYPE),
                *sign(texts).columns,
                *sets(texts).columns,
                pa.array([one.original for one in planted], DOC_ID_TYPE),
                pa.array([one.similarity for one in planted], pa.float64()),
            ]
            yield pa.record_batch(columns, schema=schema)

        return plant

    def _signature(self) -> MinHashSignature:
        return MinHashSignature(**{name: getattr(self, name) for name in MinHashSettings.model_fields})

    def _sets(self) -> ShingleSets:
        return ShingleSets(**shingle_settings(self), every=True)

    def _chosen(self, batch: pa.RecordBatch, largest: np.uint64) -> Iterator[_Chosen]:
        hashes = canary_hashes(batch.column(DOC_ID), self.choice_seed)
        alone = batch.column(CLUSTER_SIZE).is_null().to_numpy(zero_copy_only=False)
        for row in np.flatnonzero(alone & (hashes <= largest)).tolist():
            text = batch.column(TEXT)[row].as_py()
            words = text.split()
            pieces, joint = (words, " ") if len(words) >= _MIN_PIECES else (list(text), "")
            if len(pieces) >= _MIN_PIECES:
                yield _Chosen(batch.column(DOC_ID)[row].as_py(), int(hashes[row]), pieces, joint)


def _planted(chosen: Sequence[_Chosen], sets: AnnotateFunction, seed: int) -> Iterator[_Planted]:
    """One canary for each chosen document."""
    pool = [piece for one in chosen for piece in one.pieces]
    for one in chosen:
        chance = random.Random(one.drawn)  # noqa: S311 -- seeded by the document, for no secret
        doc_id = xxhash.xxh3_128_digest(b"canary" + one.doc_id, seed)
        kind = chance.randrange(len(TARGETS) + 1)
        if kind == len(TARGETS):
            yield _Planted(doc_id, None, 0.0, one.joint.join(chance.choices(pool, k=len(one.pieces))))
            continue
        text, similarity = _copy(one, TARGETS[kind], pool, chance, sets)
        yield _Planted(doc_id, one.doc_id, similarity, text)


def _copy(
    one: _Chosen, target: float, pool: Sequence[str], chance: random.Random, sets: AnnotateFunction
) -> tuple[str, float]:
    """Of some edited copies the one whose similarity is nearest to the target, and its similarity."""
    places = chance.sample(range(len(one.pieces)), len(one.pieces))
    edited = list(one.pieces)
    texts = [one.joint.join(one.pieces)]
    done = 0
    for share in _SHARES:
        upto = max(1, round(share * len(places)))
        for place in places[done:upto]:
            edited[place] = chance.choice(pool)
        done = max(done, upto)
        texts.append(one.joint.join(edited))
    column = sets(pa.record_batch([pa.array(texts, TEXT_TYPE)], [TEXT])).column(SHINGLES)
    values = [np.array(row or (), np.uint32) for row in column.to_pylist()]
    similarities = [jaccard(values[0], other) for other in values[1:]]
    best = min(range(len(similarities)), key=lambda index: abs(similarities[index] - target))
    return texts[best + 1], similarities[best]
