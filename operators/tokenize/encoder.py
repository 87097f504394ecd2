"""Encodes documents with an engine, gives `tokenizers` what the engine cannot do, and holds a share against it."""

from typing import Final

import numpy as np
import pyarrow as pa

from operators.dedup.seeded_hash import seeded_hashes
from operators.tokenize.encoded import Encoded, from_documents, overlaid
from operators.tokenize.engine import Engine, encode_accepted
from operators.tokenize.engines import LoadedTokenizer, reference_version
from operators.tokenize.reference import encode_texts
from pipeline.errors import FallBackNeeded
from pipeline.kernel import Offsets
from pipeline.operator import BoolArray

CHECK_SEED: Final = 7
"""Of the hash that chooses documents to check, so that it is no other choice's."""


class Encoder:
    """The ids of documents.

    Args:
        operator: for messages.
        tokenizer: with its engine.
        check_share: of the documents, those that are encoded by the reference as well.
    """

    def __init__(self, operator: str, tokenizer: LoadedTokenizer, check_share: float) -> None:
        self._operator = operator
        self._tokenizer = tokenizer
        self._check_share = check_share

    def encode(self, texts: pa.Array, doc_ids: pa.Array, num_special: Offsets) -> Encoded:
        """The ids of D texts without nulls; `num_special` says how many special tokens each writes out.

        Raises:
            FallBackNeeded: the engine gives other ids than the reference.
        """
        engine = self._tokenizer.engine
        if engine is None:
            return self._by_reference(texts)
        left = num_special > 0 if engine.wants_no_special else np.zeros(len(texts), np.bool_)  # (D,)
        rows = np.flatnonzero(~left)
        documents, refused = encode_accepted(engine, texts if rows.size == len(texts) else texts.take(pa.array(rows)))
        left[rows[refused]] = True
        if left.any():
            others = np.flatnonzero(left)
            by_reference = self._by_reference(texts.take(pa.array(others)))
            documents = overlaid(len(texts), [(rows, documents), (others, by_reference)])
        self._check(engine, texts, doc_ids, documents, self._chosen(doc_ids) & ~left)
        return documents

    def _by_reference(self, texts: pa.Array) -> Encoded:
        return from_documents(encode_texts(self._tokenizer.reference, texts.to_pylist()))

    def _chosen(self, doc_ids: pa.Array) -> BoolArray:
        """(D,) which documents are checked."""
        if self._check_share >= 1:
            return np.ones(len(doc_ids), np.bool_)
        chosen: BoolArray = seeded_hashes(doc_ids, CHECK_SEED) < np.uint64(int(self._check_share * (1 << 64)))
        return chosen

    def _check(self, engine: Engine, texts: pa.Array, doc_ids: pa.Array, documents: Encoded, chosen: BoolArray) -> None:
        """Holds the chosen documents against the reference."""
        rows = np.flatnonzero(chosen)
        expected = encode_texts(self._tokenizer.reference, texts.take(pa.array(rows)).to_pylist())
        for row, ids in zip(rows.tolist(), expected, strict=True):
            if not np.array_equal(documents.ids[documents.bounds[row] : documents.bounds[row + 1]], ids):
                raise FallBackNeeded(
                    self._operator,
                    f"{engine.name} {engine.version} gave other ids than {reference_version()}",
                    f"doc_id {doc_ids[row].as_py().hex()}",
                )
