"""Encoders run by transformers. Loads torch, so that only what opens an operator imports it."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import torch
from transformers import AutoModel, AutoModelForSequenceClassification

from operators.models.encoder import Pooling
from operators.models.settings import ModelSettings
from operators.models.token_batches import TokenBatch, compute_batches
from operators.models.token_sequences import Float32Array, Ids
from operators.models.transformers_engine import batch_tokens_of, load_model
from pipeline.errors import PlanError
from pipeline.folder_ref import FolderRef

HEAD: Final = "ForSequenceClassification"


class _Encoder(ABC):
    """Gives sequences the numbers that `_numbers` takes from padded batches; those of like length share one."""

    width: int

    def __init__(self, operator: str, kind: Any, model: FolderRef, settings: ModelSettings) -> None:
        self._model = load_model(operator, kind, model, settings)
        self._pad_id: int = self._model.config.pad_token_id or 0
        self._batch_tokens = batch_tokens_of(settings)

    def compute(self, sequences: Sequence[Ids]) -> Float32Array:
        """(S, width) numbers of sequences that fit into the model."""
        lengths = np.fromiter((ids.size for ids in sequences), np.int64, len(sequences))  # (S,)
        parts: list[torch.Tensor] = []
        order: list[int] = []

        def compute(batch: TokenBatch) -> None:
            places = np.arange(batch.width)
            mask = places < lengths[batch.rows][:, None]  # (B, W)
            ids = np.full(mask.shape, self._pad_id, np.int64)  # (B, W)
            ids[mask] = np.concatenate([sequences[row] for row in batch.rows.tolist()])
            with torch.inference_mode():
                parts.append(self._numbers(self._on_device(ids), self._on_device(mask.astype(np.int64))).float())
            order.extend(batch.rows.tolist())

        self._batch_tokens = compute_batches(lengths, self._batch_tokens, compute, torch.OutOfMemoryError)
        found = np.zeros((len(sequences), self.width), np.float32)
        if order:
            found[order] = torch.cat(parts).cpu().numpy()  # one transfer: the device never waits for it
        return found

    @abstractmethod
    def _numbers(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """(B, width) numbers of a batch, both (B, W) int64; `mask` is 0 where a sequence is padded."""

    def _on_device(self, array: Any) -> torch.Tensor:  # Any: integers of any shape
        return torch.from_numpy(array).to(self._model.device)


class SequenceLogits(_Encoder):
    """The logits of a sequence classifier, or the number of a regression."""

    def __init__(self, operator: str, model: FolderRef, settings: ModelSettings) -> None:
        super().__init__(operator, AutoModelForSequenceClassification, model, settings)
        config = self._model.config
        kinds = config.architectures or []
        if not any(kind.endswith(HEAD) for kind in kinds):  # transformers would give it a head of random weights
            raise PlanError(
                f"{operator}: model {model.uri!r}: expected architectures in its config.json with one that ends in "
                f"{HEAD!r}; found {kinds}; name the folder of a model with a trained head"
            )
        self.width = config.num_labels
        self.labels: tuple[str, ...] = tuple(config.id2label[number] for number in range(config.num_labels))
        self.is_multi_label: bool = config.problem_type == "multi_label_classification"

    def _numbers(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self._model(input_ids=ids, attention_mask=mask).logits
        return logits


class PooledStates(_Encoder):
    """One vector of the last states of a sequence's tokens."""

    def __init__(
        self, operator: str, model: FolderRef, settings: ModelSettings, *, pooling: Pooling, normalize: bool
    ) -> None:
        super().__init__(operator, AutoModel, model, settings)
        self.width = self._model.config.hidden_size
        self._pooling = pooling
        self._normalize = normalize

    def _numbers(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        states = self._model(input_ids=ids, attention_mask=mask).last_hidden_state.float()  # (B, W, H)
        if self._pooling == "cls":
            pooled = states[:, 0]
        else:
            weights = mask[:, :, None].to(states.dtype)
            pooled = (states * weights).sum(dim=1) / weights.sum(dim=1)
        return torch.nn.functional.normalize(pooled, dim=1) if self._normalize else pooled
