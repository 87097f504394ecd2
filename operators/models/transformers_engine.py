"""Models run by transformers. Loads torch, so that only what opens an operator imports it."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np
import torch
from transformers import AutoModelForCausalLM
from transformers.utils import logging

from operators.models.settings import ModelSettings
from operators.models.token_batches import TokenBatch, compute_batches
from operators.models.token_spans import TokenSpans
from pipeline.errors import PlanError
from pipeline.folder_ref import FolderRef
from pipeline.operator import FloatArray

BATCH_TOKENS: Final = {"cpu": 2048, "cuda": 32_768}
"""Of a batch, by the kind of device, unless settings say otherwise."""
LOSS_BATCH_TOKENS: Final = BATCH_TOKENS | {"cpu": 1024}
"""As above where losses are computed: one pass over a batch, no decoding step whose cost is shared by its rows. A core
computes 256 tokens of a model of 135 million weights as fast as 2,048, and fewer rows share a width more closely: with
24 documents of 64 to 512 tokens 0.92 of what is computed is useful, where 2,048 give 0.81. Of models a hundred times
as small only a larger batch hides what calls cost."""
LOGITS_BYTES: Final = {"cpu": 64 << 20, "cuda": 1 << 30}
"""Of logits that are held at once, in float32: those of a whole batch would be larger than many models."""
PROBE_IDS: Final = 8
"""Ids that show whether logits are the head's product alone."""
PROBE_TOLERANCE: Final = 0.02
"""Of the largest logit: products of other shapes differ by the last of bfloat16's eight bits."""


def device_of(settings: ModelSettings) -> torch.device:
    """Where the model runs on this worker."""
    if settings.device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return torch.device(settings.device)


def batch_tokens_of(settings: ModelSettings, defaults: Mapping[str, int] = BATCH_TOKENS) -> int:
    """Tokens of a batch on this worker."""
    return settings.batch_tokens or defaults[device_of(settings).type]


def load_model(operator: str, kind: Any, model: FolderRef, settings: ModelSettings) -> Any:  # Any: untyped libraries
    """A model of a pinned folder, ready to infer. Code that comes with a model is never run.

    Args:
        operator: for messages.
        kind: one of transformers' `AutoModel` classes.
        model: pinned.
        settings: where and in what it runs.

    Raises:
        PlanError: the folder holds no model of that kind, or the device cannot hold it.
        StorageError: the folder is not what was pinned.
    """
    path = model.open_path()
    logging.disable_progress_bar()
    weights = {"use_safetensors": True} if settings.gguf_file is None else {"gguf_file": settings.gguf_file}
    dtype = "auto" if settings.dtype == "auto" else getattr(torch, settings.dtype)
    try:
        loaded = kind.from_pretrained(
            path,
            dtype=dtype,
            attn_implementation=settings.attention,
            local_files_only=True,
            trust_remote_code=False,
            **weights,
        )
        return loaded.to(device_of(settings)).eval()
    except (OSError, ValueError, KeyError, ImportError, RuntimeError, AssertionError) as error:
        raise PlanError(
            f"{operator}: model {model.uri!r}: expected a folder that {kind.__name__} of transformers loads on "
            f"{settings.device!r} and that brings no code of its own; found {type(error).__name__}: "
            f"{' '.join(str(error).split())[:300]}"
        ) from error


class CausalScorer:
    """A causal language model that scores spans of tokens.

    Spans of like length are computed together, padded behind their end: a causal model does not look there, so that
    no mask is needed. Only positions whose loss counts go through the head, a part at a time.
    """

    def __init__(self, operator: str, model: FolderRef, settings: ModelSettings) -> None:
        self.model = load_model(operator, AutoModelForCausalLM, model, settings)
        config = self.model.config.get_text_config()
        self.context: int = config.max_position_embeddings
        self.start_id: int = _start_id(operator, model, config)
        self._logits_rows = max(1, LOGITS_BYTES[self.model.device.type] // (4 * config.vocab_size))
        with torch.inference_mode():
            self._is_plain = self._has_plain_head()
        self._batch_tokens = batch_tokens_of(settings, LOSS_BATCH_TOKENS)
        if not self._is_plain:  # then the logits of all positions of a batch are there at once
            self._batch_tokens = min(self._batch_tokens, self._logits_rows)

    def nats(self, spans: TokenSpans) -> FloatArray:
        """(S,) summed losses of the tokens of each span that count."""
        losses: list[torch.Tensor] = []
        order: list[int] = []

        def compute(batch: TokenBatch) -> None:
            losses.append(self._losses(spans, batch))
            order.extend(batch.rows.tolist())

        self._batch_tokens = compute_batches(spans.num_inputs, self._batch_tokens, compute, torch.OutOfMemoryError)
        summed = np.zeros(len(spans.starts), np.float64)  # (S,)
        if order:
            flat = torch.cat(losses).cpu().numpy().astype(np.float64)  # one transfer: the device never waits for it
            sizes = (spans.ends - spans.firsts)[order]
            summed[order] = np.add.reduceat(flat, np.cumsum(sizes) - sizes)
        return summed

    def _losses(self, spans: TokenSpans, batch: TokenBatch) -> torch.Tensor:
        """Losses of the tokens of a batch that count, span by span, on the device. (N,) float32."""
        starts, inputs = spans.starts[batch.rows], spans.num_inputs[batch.rows]  # (B,) each
        places = np.arange(batch.width)  # (W,)
        # What stands behind a span is of no other use than to fill the row.
        ids = spans.ids[np.minimum(starts[:, None] + places, spans.ids.size - 1)].astype(np.int64)  # (B, W)
        skipped = spans.firsts[batch.rows] - starts - 1  # (B,) inputs whose predictions do not count
        rows, columns = np.nonzero((places >= skipped[:, None]) & (places < inputs[:, None]))  # (N,) each
        targets = self._on_device(spans.ids[starts[rows] + columns + 1].astype(np.int64))
        counted = self._on_device(rows), self._on_device(columns)
        found = torch.empty(targets.shape, dtype=torch.float32, device=targets.device)
        with torch.inference_mode():
            start = 0
            for logits in self._logits(self._on_device(ids), counted):
                part = slice(start, start + logits.shape[0])
                found[part] = _overwrite_with_losses(logits.float(), targets[part])
                start = part.stop
        return found

    def _logits(self, ids: torch.Tensor, counted: tuple[torch.Tensor, torch.Tensor]) -> Iterator[torch.Tensor]:
        """Logits of the counted positions, (rows, vocabulary), some rows at a time."""
        if not self._is_plain:
            yield self.model(input_ids=ids, use_cache=False).logits[counted]
            return
        hidden = self.model.base_model(input_ids=ids, use_cache=False).last_hidden_state[counted]  # (N, H)
        head = self.model.get_output_embeddings()
        for start in range(0, hidden.shape[0], self._logits_rows):
            yield head(hidden[start : start + self._logits_rows])

    def _has_plain_head(self) -> bool:
        """Whether logits are the output embeddings' product with the last hidden states, as with most models."""
        head = self.model.get_output_embeddings()
        if head is None or self.model.base_model is self.model:
            return False
        ids = self._on_device(np.arange(PROBE_IDS, dtype=np.int64)[None])
        logits = self.model(input_ids=ids, use_cache=False).logits
        product = head(self.model.base_model(input_ids=ids, use_cache=False).last_hidden_state)
        return bool((logits - product).abs().max() <= PROBE_TOLERANCE * logits.abs().max())

    def _on_device(self, array: Any) -> torch.Tensor:  # Any: integers of any shape
        return torch.from_numpy(array).to(self.model.device)


def _overwrite_with_losses(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """(N,) minus the log of the probability of each target; leaves nothing of use in the logits, (N, vocabulary).

    Not cross_entropy or logsumexp, which write as much again for each step: fresh memory is a tenth of the time of the
    head and what follows it on a CPU.
    """
    chosen = logits.gather(1, targets[:, None])[:, 0]
    peaks = logits.amax(-1)
    return logits.sub_(peaks[:, None]).exp_().sum(-1).log_().add_(peaks).sub_(chosen)


def _start_id(operator: str, model: FolderRef, config: Any) -> int:  # Any: a model's own settings
    """The token for the beginning of a text; of that for the end, where there is no other."""
    for name in ("bos_token_id", "eos_token_id"):
        found = getattr(config, name, None)
        if isinstance(found, list) and found:
            found = found[0]
        if isinstance(found, int):
            return found
    raise PlanError(
        f"{operator}: model {model.uri!r}: expected bos_token_id or eos_token_id in its config.json, to begin "
        "documents with; found neither; name one there"
    )
