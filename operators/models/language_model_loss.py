"""How unlikely a neural language model finds each document: its loss, in nats and in bits per character and byte."""

import math
from collections.abc import Sequence
from typing import ClassVar, Final, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field, model_validator

from operators.models.engine import LossScorer, load_loss_scorer
from operators.models.token_annotator import TokenAnnotator
from operators.models.token_spans import Ids, cut_spans
from pipeline.document import TEXT
from pipeline.errors import PlanError
from pipeline.operator import AnnotateFunction, FloatArray

NATS: Final = "nats"
TOKENS: Final = "tokens"
CHARACTERS: Final = "characters"
BYTES: Final = "bytes"
BITS_PER_CHARACTER: Final = "bits_per_character"
BITS_PER_BYTE: Final = "bits_per_byte"

NATS_DECIMALS: Final = 3
BITS_DECIMALS: Final = 4
WINDOW_ROWS: Final = 1024


class LanguageModelLoss(TokenAnnotator):
    """The loss of each document under a causal language model: minus the log of the probability of its tokens.

    A document is scored alone. It begins with the model's token for the beginning of a text, or for the end where it
    has no other, so that its first token is scored too. What is longer than `window` is scored in several passes, each
    `stride` tokens behind the one before: what an earlier pass scored is context in the later one, so that every token
    counts once, the last ones too. Tokens differ from model to model: losses compare by characters and bytes.

    Columns:
        text: read; a null text counts as empty.
        PREFIX_nats: written; float64, three decimals, never null. The sum over the document's tokens; 0 for an empty
            document.
        PREFIX_tokens, PREFIX_characters, PREFIX_bytes: written; int64, never null. Tokens that were scored, code points
            and bytes of UTF-8.
        PREFIX_bits_per_character, PREFIX_bits_per_byte: written; float32, four decimals. The nats, as they are stored,
            over ln 2 and the length. Null for an empty document.

    Determinism:
        Depends on the hardware, before rounding by about 1e-5 nats a token in float32. Rows are seen in windows of
        1,024 of their shard, so that one machine gives equal values for any number of workers and any batch size.

    Raises:
        PlanError: the extra `models` is not installed, the folder holds no causal model with a tokenizer, or `window`
            is more than the model was made for. A row whose loss is no number is quarantined.

    Source:
        Bits per character as in Shum et al. 2025, PreSelect, arXiv:2503.00808, section 2.1; the released code has
        windows of 1,900 tokens and a stride of 512. It joins documents, so that each has the one before as context, and
        drops the last tokens of a stream; here documents are scored alone, to their end.

    Cost:
        One forward pass over the tokens, and over `window / stride` times as many of documents beyond the window.
        Documents of like length are computed together; on lengths like the web's nine of ten computed tokens are
        useful. benchmarks/results/models.json has the figures.
    """

    name: ClassVar[str] = "language_model_loss"
    window_rows: ClassVar[int | None] = WINDOW_ROWS

    prefix: str = Field(default="loss", pattern=r"^[a-z][a-z0-9_]*$")
    """What the columns' names begin with, so that one recipe may have the losses of several models."""
    window: int | None = Field(default=None, ge=1)
    """Tokens that the model is given at once; default: as many as it was made for."""
    stride: int | None = Field(default=None, ge=1)
    """Tokens between the beginnings of two windows, at most `window`; default: half a window."""

    @model_validator(mode="after")
    def _settings_fit(self) -> Self:
        if self.stride is not None and self.window is None:
            raise ValueError("stride: expected a window beside it; found none; set window")
        if self.stride is not None and self.window is not None and self.stride > self.window:
            raise ValueError(f"stride: expected at most {self.window}, the window; found {self.stride}")
        return self

    def adds(self) -> pa.Schema:
        """The loss, what it is of, and its rates."""
        return loss_schema(self.prefix)

    def open(self) -> AnnotateFunction:
        """Loads the model."""
        scorer = load_loss_scorer(self.name, self.model, self.settings)
        window, stride = self._window(scorer)

        def annotate(batch: pa.RecordBatch) -> pa.RecordBatch:
            texts = batch.column(TEXT).fill_null("")
            documents = self.tokens.documents_of(batch)
            nats = _nats(scorer, documents, window=window, stride=stride)
            num_tokens = np.fromiter((ids.size for ids in documents), np.int64, len(documents))
            return loss_columns(self.prefix, texts, nats, num_tokens)

        return annotate

    def _window(self, scorer: LossScorer) -> tuple[int, int]:
        """Window and stride in tokens."""
        if self.window is not None and self.window > scorer.context:
            raise PlanError(
                f"{self.name}: window: expected at most {scorer.context}, what the model {self.model.uri!r} was made "
                f"for; found {self.window}"
            )
        window = self.window or scorer.context
        return window, self.stride or max(1, window // 2)


def loss_schema(prefix: str) -> pa.Schema:
    """The columns of a loss, whatever model it is of."""
    return pa.schema(
        [
            pa.field(f"{prefix}_{NATS}", pa.float64(), nullable=False),
            pa.field(f"{prefix}_{TOKENS}", pa.int64(), nullable=False),
            pa.field(f"{prefix}_{CHARACTERS}", pa.int64(), nullable=False),
            pa.field(f"{prefix}_{BYTES}", pa.int64(), nullable=False),
            pa.field(f"{prefix}_{BITS_PER_CHARACTER}", pa.float32()),
            pa.field(f"{prefix}_{BITS_PER_BYTE}", pa.float32()),
        ]
    )


def loss_columns(prefix: str, texts: pa.Array, nats: FloatArray, num_tokens: npt.NDArray[np.int64]) -> pa.RecordBatch:
    """The columns of `loss_schema` for D documents.

    Args:
        prefix: of the columns.
        texts: (D,) without nulls.
        nats: (D,) as they were summed; they are rounded here.
        num_tokens: (D,) tokens that the sums are over.
    """
    if not np.isfinite(nats).all():
        raise ValueError("expected losses that are numbers")
    rounded = np.round(nats, NATS_DECIMALS)
    characters = pc.utf8_length(texts).cast(pa.int64())
    num_bytes = pc.binary_length(texts).cast(pa.int64())
    rates = [_bits(rounded, lengths.to_numpy()) for lengths in (characters, num_bytes)]
    columns = [pa.array(rounded), pa.array(num_tokens), characters, num_bytes, *rates]
    return pa.RecordBatch.from_arrays(columns, schema=loss_schema(prefix))


def _bits(nats: FloatArray, lengths: npt.NDArray[np.int64]) -> pa.Array:
    """Bits for each unit of length; null where there is none."""
    rates = np.round(nats / (np.maximum(lengths, 1) * math.log(2)), BITS_DECIMALS)
    return pa.array(rates.astype(np.float32), mask=lengths == 0)


def _nats(scorer: LossScorer, documents: Sequence[Ids], *, window: int, stride: int) -> FloatArray:
    """(D,) summed losses."""
    spans = cut_spans(documents, scorer.start_id, window=window, stride=stride)
    return np.bincount(spans.documents, scorer.nats(spans), minlength=len(documents)).astype(np.float64)
