"""Trains a byte-level BPE tokenizer on the rows of a view."""

import os
from collections.abc import Iterator
from typing import ClassVar, Final, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import Field, model_validator

from pipeline.document import DOC_ID, DOC_ID_TYPE, TEXT, TEXT_TYPE
from pipeline.errors import OperatorError
from pipeline.operator import RowReader, Task, TaskFunction, TaskInputs

TOKENIZER_FILE: Final = "tokenizer.json"
NUM_BYTES: Final = 256


class TrainTokenizer(Task):
    """A byte-level BPE tokenizer in the Hugging Face format, as the file `tokenizer.json`.

    Text is cut into words by GPT-2's pattern, without normalization, so every text can be decoded byte for byte.
    Ids are: the special tokens in the given order, the 256 bytes, then merges. Text that repeats few words may give
    fewer ids than `vocab_size`.

    Columns:
        reads text and, to sample, doc_id.

    Determinism:
        EXACT. Only word counts enter the training, so the order of documents does not matter; equal counts are
        decided by ids, and ids follow from the merges. Sampling compares a document's id with a limit.

    Raises:
        OperatorError: the view has no text.

    Source:
        Sennrich, Haddow, Birch, "Neural Machine Translation of Rare Words with Subword Units" (2016), section 3;
        Radford et al., "Language Models are Unsupervised Multitask Learners" (2019), section 2.2, for bytes as the
        alphabet and the word pattern.

    Cost:
        One pass over the text (two when it is sampled); memory holds the distinct words.
    """

    name: ClassVar[str] = "train_tokenizer"
    produces = "model"

    vocab_size: int = Field(ge=NUM_BYTES)
    special_tokens: tuple[str, ...] = ("<|endoftext|>",)
    min_frequency: int = Field(default=2, ge=1)
    """A pair of tokens is merged only where it occurs this often."""
    max_chars: int | None = Field(default=None, gt=0)
    """Train on a random sample of whole documents with at most this many characters; None: on all."""

    @model_validator(mode="after")
    def _room_for_the_alphabet(self) -> Self:
        least = NUM_BYTES + len(set(self.special_tokens))
        if len(set(self.special_tokens)) < len(self.special_tokens) or "" in self.special_tokens:
            raise ValueError(f"special_tokens: expected distinct, non-empty names; found {list(self.special_tokens)}")
        if self.vocab_size < least:
            raise ValueError(f"vocab_size: expected {least} (bytes, special tokens) or more; found {self.vocab_size}")
        return self

    def requires(self) -> pa.Schema:
        """The text and the id that decides sampling."""
        return pa.schema([pa.field(DOC_ID, DOC_ID_TYPE, nullable=False), pa.field(TEXT, TEXT_TYPE, nullable=False)])

    def output_schema(self, given: pa.Schema) -> pa.Schema:  # noqa: ARG002 -- the contract's signature
        """A model has no rows."""
        return pa.schema(())

    def open(self) -> TaskFunction:
        """Returns the training."""

        def run(inputs: TaskInputs) -> Iterator[tuple[int, pa.RecordBatch]]:
            assert inputs.rows is not None, "the planner gives this task a view"
            from tokenizers import (  # noqa: PLC0415 -- heavy: only workers that run this need it
                Tokenizer,
                decoders,
                models,
                pre_tokenizers,
                trainers,
            )  # fmt: skip

            os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
            tokenizer = Tokenizer(models.BPE())
            tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
            tokenizer.decoder = decoders.ByteLevel()
            trainer = trainers.BpeTrainer(
                vocab_size=self.vocab_size,
                min_frequency=self.min_frequency,
                special_tokens=list(self.special_tokens),
                initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
                show_progress=False,
            )
            tokenizer.train_from_iterator(_sampled_texts(inputs.rows, self.max_chars), trainer)
            tokenizer.save(str(inputs.directory / TOKENIZER_FILE))
            return iter(())

        return run


def _sampled_texts(rows: RowReader, max_chars: int | None) -> Iterator[list[str]]:
    """Batches of texts: all of them, or those whose ids fall under the limit that gives about `max_chars`."""
    num_chars = sum(len(text) for _, batch in rows.batches((TEXT,)) for text in _texts(batch))
    if num_chars == 0:
        raise OperatorError("train_tokenizer: expected text to train on; found no character in the view")
    if max_chars is None or max_chars >= num_chars:
        for _, batch in rows.batches((TEXT,)):
            yield _texts(batch)
        return
    limit = (max_chars << 64) // num_chars
    left = max_chars
    for _, batch in rows.batches((DOC_ID, TEXT)):
        texts = _texts(batch.filter(pa.array(_id_heads(batch) < limit, pa.bool_())))
        num_taken = 0
        # The sample overshoots half of the time; the bound is kept by leaving out its last documents.
        while num_taken < len(texts) and len(texts[num_taken]) <= left:
            left -= len(texts[num_taken])
            num_taken += 1
        yield texts[:num_taken]
        if num_taken < len(texts):
            return


def _texts(batch: pa.RecordBatch) -> list[str]:
    return [text for text in batch.column(TEXT).to_pylist() if text is not None]


def _id_heads(batch: pa.RecordBatch) -> npt.NDArray[np.uint64]:
    """The first eight bytes of each doc_id as a big-endian number; doc_ids are hashes, so these are uniform."""
    ids: list[bytes] = [doc_id for doc_id in batch.column(DOC_ID).to_pylist() if doc_id is not None]
    return np.frombuffer(b"".join(ids), ">u8")[::2].astype(np.uint64)  # (D,)
