"""The token ids of documents as a model's own tokenizer makes them, for operators that run the model.

A model on a GPU is fed by a stage on CPUs that computes them, see `pipeline.plan.stages`.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from operators.models.model_tokenizer import load_model_tokenizer
from operators.models.settings import ModelSettings
from operators.tokenize.reference import encode_texts, use_one_core
from operators.tokenize.tokenizer import TOKENS_TYPE
from pipeline.document import TEXT, TEXT_TYPE
from pipeline.folder_ref import FolderRef
from pipeline.operator import AnnotateFunction, Annotator

Ids = npt.NDArray[np.uint32]


class ModelTokens(Annotator):
    """The ids of each document's text under the tokenizer of a model, without special tokens around it.

    Columns:
        text: read; a null text counts as empty.
        tokens:MODEL: written; list of uint32, never null.

    Determinism:
        EXACT. A document's ids depend on its text and the tokenizer alone.

    Raises:
        PlanError: the model's folder has no tokenizer that loads.

    Source:
        As `tokenize`: what a document says is text, special tokens that it writes out too.

    Cost:
        About 2 MB of text a second and core for byte-level BPE.
    """

    name: ClassVar[str] = "model_tokens"

    model: FolderRef
    gguf_file: str | None = None
    """The file with the tokenizer, where the model's folder has none besides."""

    @property
    def column(self) -> str:
        """Another one for each tokenizer: a stage may hold the tokens of several."""
        return ":".join(["tokens", self.model.uri, *([self.gguf_file] if self.gguf_file else [])])

    def requires(self) -> pa.Schema:
        """The text."""
        return pa.schema([pa.field(TEXT, TEXT_TYPE, nullable=False)])

    def adds(self) -> pa.Schema:
        """The ids."""
        return pa.schema([pa.field(self.column, TOKENS_TYPE, nullable=False)])

    def open(self) -> AnnotateFunction:
        """Loads the tokenizer."""
        use_one_core()
        tokenizer = load_model_tokenizer(self.name, self.model, ModelSettings(gguf_file=self.gguf_file))
        schema = self.adds()

        def annotate(batch: pa.RecordBatch) -> pa.RecordBatch:
            documents = encode_texts(tokenizer, batch.column(TEXT).fill_null("").to_pylist())
            return pa.RecordBatch.from_arrays([tokens_column(documents)], schema=schema)

        return annotate

    def documents_of(self, batch: pa.RecordBatch) -> list[Ids]:
        """The ids of each document of a batch that has the column."""
        column = batch.column(self.column)
        offsets = column.offsets.to_numpy().tolist()
        ids: Ids = column.values.to_numpy()
        return [ids[start:end] for start, end in pairwise(offsets)]


def tokens_column(documents: Sequence[Ids]) -> pa.LargeListArray:
    """The ids of documents as a column."""
    offsets = np.zeros(len(documents) + 1, np.int64)  # (D + 1,)
    np.cumsum(np.fromiter((ids.size for ids in documents), np.int64, len(documents)), out=offsets[1:])
    flat = np.concatenate([np.empty(0, np.uint32), *documents])  # (T,)
    return pa.LargeListArray.from_arrays(pa.array(offsets), pa.array(flat, pa.uint32()))
