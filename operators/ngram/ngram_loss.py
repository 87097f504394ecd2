"""How many nats the tokens of a document cost under n-gram models of several orders."""

from typing import ClassVar, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field, field_validator

from operators.ngram.losses import document_losses
from operators.ngram.model_file import MAX_ORDER, NgramFormatError, read_model
from operators.ngram.token_lists import token_lists
from operators.tokenize.tokenizer import TOKENS, TOKENS_TYPE
from pipeline.document import TEXT, TEXT_TYPE
from pipeline.errors import OperatorError, PlanError
from pipeline.operator import AnnotateFunction, Annotator, FileRef

NATS_DECIMALS: Final = 6
"""Decimals of stored nats: far more than a comparison of models needs, and fewer than logarithms of other C libraries
differ in."""

UNITS: Final = ("tokens", "chars", "bytes")
_MEASURES: Final = (pc.utf8_length, pc.binary_length)


class NgramLoss(Annotator):
    """The negative log-likelihood of each document's tokens under the models of the given orders, each document alone.

    Nats divided by ln 2 and by characters or bytes are bits per character or per byte.

    Columns:
        text, tokens: read; a null counts as empty.
        `prefix`_ORDER_nats: written, one for each of `orders`; float64, six decimals. Null for a document without
            tokens.
        `prefix`_tokens, `prefix`_chars, `prefix`_bytes: written; int64, what the nats are of: tokens, Unicode
            characters and bytes of UTF-8.

    Determinism:
        Exact: float64 sums in the order of the tokens.

    Raises:
        PlanError: the file is no n-gram model, or its order is lower than one of `orders`.
        OperatorError: a token that the model's vocabulary does not have.

    Source:
        `train_ngram` says which probabilities these are.

    Cost:
        About a million tokens a CPU-second for five orders at once. The model file is mapped: workers of a node share
        its pages.
    """

    name: ClassVar[str] = "ngram_loss"

    model: FileRef
    """The file `ngrams.bin` of a step of `train_ngram`."""
    orders: tuple[int, ...] = Field(default=tuple(range(1, MAX_ORDER + 1)), min_length=1)
    """Orders of the models, ascending."""
    prefix: str = Field(default="ngram", pattern="^[a-z][a-z0-9_]*$")

    @field_validator("orders")
    @classmethod
    def _ascending(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        if list(value) != sorted(set(value)) or not 1 <= value[0] <= value[-1] <= MAX_ORDER:
            raise ValueError(f"orders: expected ascending numbers from 1 to {MAX_ORDER}; found {list(value)}")
        return value

    def requires(self) -> pa.Schema:
        """The text, which the loss is measured by, and its ids."""
        return pa.schema([pa.field(TEXT, TEXT_TYPE, nullable=False), pa.field(TOKENS, TOKENS_TYPE)])

    def adds(self) -> pa.Schema:
        """Nats by order, and what they are of."""
        return pa.schema(
            [
                *(pa.field(f"{self.prefix}_{order}_nats", pa.float64()) for order in self.orders),
                *(pa.field(f"{self.prefix}_{unit}", pa.int64(), nullable=False) for unit in UNITS),
            ]
        )

    def open(self) -> AnnotateFunction:
        """Maps the model."""
        try:
            header, model = read_model(self.model.open_path())
        except NgramFormatError as error:
            raise PlanError(f"{self.name}: model {self.model.uri!r}: {error}") from error
        if header.order < self.orders[-1]:
            raise PlanError(
                f"{self.name}: model {self.model.uri!r}: expected order {self.orders[-1]} or more; found {header.order}"
            )
        places = np.array(self.orders) - 1
        schema = self.adds()

        def annotate(batch: pa.RecordBatch) -> pa.RecordBatch:
            tokens = token_lists(batch.column(TOKENS))
            if tokens.ids.max(initial=0) >= header.vocab_size:
                raise OperatorError(
                    f"{self.name}: model {self.model.uri!r}: expected ids below {header.vocab_size}; found "
                    f"{tokens.ids.max()}; use the tokens that the model was trained on"
                )
            num_tokens = np.diff(tokens.offsets)
            nats = np.round(document_losses(tokens, model)[:, places], NATS_DECIMALS)  # (D, orders)
            texts = batch.column(TEXT)
            lengths = [pc.fill_null(pc.cast(measure(texts), pa.int64()), 0) for measure in _MEASURES]
            columns = [pa.array(column, mask=num_tokens == 0) for column in nats.T]
            return pa.RecordBatch.from_arrays([*columns, pa.array(num_tokens), *lengths], schema=schema)

        return annotate
