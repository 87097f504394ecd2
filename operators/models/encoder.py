"""What operators ask of encoders: numbers for sequences of tokens. Loads no model library before an operator opens."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from operators.models.engine import needs_extra
from operators.models.model_context import resolved_max_tokens
from operators.models.model_tokenizer import load_model_tokenizer
from operators.models.settings import ModelSettings
from operators.models.token_sequences import (
    Float32Array,
    Ids,
    OverLength,
    SpecialIds,
    TokenSequences,
    cut_sequences,
    special_ids,
)
from pipeline.folder_ref import FolderRef

Pooling = Literal["mean", "cls"]
"""A sequence's embedding: the mean of its tokens' last states, special ones included, or the first token's."""


class SequenceModel(Protocol):
    """A model that gives each sequence some numbers."""

    @property
    def width(self) -> int:
        """Numbers of each sequence."""
        ...

    def compute(self, sequences: Sequence[Ids]) -> Float32Array:
        """(S, width) numbers of sequences that fit into the model."""
        ...


class Classifier(SequenceModel, Protocol):
    """A sequence model whose numbers are the logits of labels."""

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the numbers."""
        ...

    @property
    def is_multi_label(self) -> bool:
        """Whether each label is decided by itself."""
        ...


def load_classifier(operator: str, model: FolderRef, settings: ModelSettings) -> Classifier:
    """The sequence classifier, or regression, of a folder.

    Args:
        operator: for messages.
        model: pinned.
        settings: where and in what it runs.

    Raises:
        PlanError: the extra `models` is not installed, or the folder holds no such model.
        StorageError: the folder is not what was pinned.
    """
    with needs_extra(operator, "models"):
        from operators.models.transformers_encoder import SequenceLogits  # noqa: PLC0415 -- loads torch
    return SequenceLogits(operator, model, settings)


def load_embedder(
    operator: str, model: FolderRef, settings: ModelSettings, *, pooling: Pooling, normalize: bool
) -> SequenceModel:
    """The encoder of a folder, with its states pooled. Arguments and errors as of `load_classifier`."""
    with needs_extra(operator, "models"):
        from operators.models.transformers_encoder import PooledStates  # noqa: PLC0415 -- loads torch
    return PooledStates(operator, model, settings, pooling=pooling, normalize=normalize)


@dataclass(frozen=True, slots=True)
class SequenceCutter:
    """Token ids of documents to the sequences that an encoder is given."""

    special: SpecialIds
    max_tokens: int
    over_length: OverLength

    def cut(self, documents: Sequence[Ids]) -> TokenSequences:
        """The sequences of documents, given by their ids; those without ids have none."""
        return cut_sequences(documents, self.special, max_tokens=self.max_tokens, over_length=self.over_length)


def load_cutter(
    operator: str, model: FolderRef, settings: ModelSettings, *, max_tokens: int | None, over_length: OverLength
) -> SequenceCutter:
    """What a model's tokenizer puts around a text, and the length of its sequences.

    Args:
        operator: for messages.
        model: pinned.
        settings: name the GGUF file, if the model is in one.
        max_tokens: default: what the model was made for.
        over_length: what becomes of a document that is longer.

    Raises:
        PlanError: there is no tokenizer, or the model was made for fewer tokens.
    """
    special = special_ids(load_model_tokenizer(operator, model, settings))
    resolved = resolved_max_tokens(operator, model.open_path(), max_tokens, len(special))
    return SequenceCutter(special, resolved, over_length)
