"""A vector for each document, by an encoder whose states are pooled as sentence-transformers pools them."""

from typing import ClassVar, Final

import numpy as np
import pyarrow as pa
from pydantic import Field

from operators.models.encoder import Pooling, load_cutter, load_embedder
from operators.models.token_annotator import TokenAnnotator
from operators.models.token_sequences import mean_of_documents
from pipeline.errors import PlanError
from pipeline.operator import AnnotateFunction

EMBEDDING_DECIMALS: Final = 5
WINDOW_ROWS: Final = 1024


class SentenceEmbedding(TokenAnnotator):
    """The embedding of each document's beginning: the pooled last states of an encoder.

    Columns:
        text: read; a null text counts as empty.
        COLUMN: written; a list of `dimensions` float32, five decimals; null for a document without tokens. With
            `normalize` of length 1, but for the rounding.

    Determinism:
        Depends on the hardware, before rounding by about 1e-6 in float32. Rows are seen in windows of 1,024 of their
        shard, so that one machine gives equal values for any number of workers and any batch size.

    Raises:
        PlanError: the extra `models` is not installed, the folder holds no encoder with a tokenizer, its states are
            not of `dimensions` numbers, or `max_tokens` is more than it can see. A row whose numbers are none is
            quarantined.

    Source:
        Reimers and Gurevych 2019, Sentence-BERT, arXiv:1908.10084, section 3: the mean of all tokens' states, special
        ones included, or the state of the first. sentence-transformers is the definition for models that pool so; dense
        layers behind the pooling are not run, and special tokens that a document writes out are read as text.

    Cost:
        One forward pass over at most `max_tokens` tokens of each document, and 4 bytes a dimension in the artifact.
        Texts are tokenized whole.
    """

    name: ClassVar[str] = "sentence_embedding"
    window_rows: ClassVar[int | None] = WINDOW_ROWS

    dimensions: int = Field(ge=1)
    """Numbers of an embedding: `hidden_size` in the model's config.json."""
    column: str = Field(default="embedding", pattern=r"^[a-z][a-z0-9_]*$")
    pooling: Pooling = "mean"
    normalize: bool = True
    """Whether vectors are brought to length 1, so that their product is the cosine."""
    max_tokens: int | None = Field(default=None, ge=1)
    """Tokens that are seen of a document, special ones included; default: as many as the model was made for."""

    def adds(self) -> pa.Schema:
        """The embedding."""
        return pa.schema([pa.field(self.column, pa.list_(pa.float32(), self.dimensions))])

    def open(self) -> AnnotateFunction:
        """Loads the model, and what its tokenizer puts around a text."""
        embedder = load_embedder(self.name, self.model, self.settings, pooling=self.pooling, normalize=self.normalize)
        cutter = load_cutter(self.name, self.model, self.settings, max_tokens=self.max_tokens, over_length="head")
        if embedder.width != self.dimensions:
            raise PlanError(
                f"{self.name}: model {self.model.uri!r}: dimensions: expected {embedder.width}, what its states have; "
                f"found {self.dimensions}"
            )

        def annotate(batch: pa.RecordBatch) -> pa.RecordBatch:
            sequences = cutter.cut(self.tokens.documents_of(batch))
            vectors = embedder.compute(sequences.ids)  # (S, H)
            if not np.isfinite(vectors).all():
                raise ValueError("expected numbers that are finite")
            rows = mean_of_documents(vectors, sequences.documents, batch.num_rows)  # (D, H), of one sequence each
            rounded = np.round(rows, EMBEDDING_DECIMALS).astype(np.float32)
            column = pa.FixedSizeListArray.from_arrays(
                pa.array(rounded.ravel()), self.dimensions, mask=pa.array(np.isnan(rounded[:, 0]))
            )
            return pa.RecordBatch.from_arrays([column], schema=self.adds())

        return annotate
