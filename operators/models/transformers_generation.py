"""Decodes with causal models of transformers, by `Generator`'s contract. Loads torch: import it when an operator opens.

Legend: B rows of a batch, K tokens in the cache, W tokens of the block that is fed, V tokens of the vocabulary.
"""

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import torch
from transformers import AutoModelForCausalLM, DynamicCache

from operators.models.generation import (
    ChosenAnswer,
    Finish,
    Generation,
    Prompts,
    cut_at_stop,
    shared_prefix,
)
from operators.models.settings import ModelSettings
from operators.models.token_batches import TokenBatch, compute_batches
from operators.models.transformers_engine import batch_tokens_of, load_model
from pipeline.folder_ref import FolderRef

if TYPE_CHECKING:
    from tokenizers import Tokenizer

    from operators.models.grammar import GrammarTokens

COMPACT_BELOW: Final = 0.5
"""A batch of which fewer rows than this fraction still write goes on with those alone: copying the cache is as dear as
a few steps, so it is not done for each row that ends."""
STOP_TOKENS_MORE: Final = 4
"""Tokens that are looked at for a stop string beyond one for each of its bytes: it may begin inside a token."""


@dataclass(slots=True)
class _Rows:
    """What the model has read of B rows so far. Where rows differ in length, the mask has holes."""

    cache: DynamicCache
    mask: torch.Tensor  # (B, K) int64; 1 where a token is
    lengths: torch.Tensor  # (B,) int64 tokens of each row

    def keep(self, rows: torch.Tensor) -> None:
        """Goes on with some of the rows."""
        self.cache.batch_select_indices(rows)
        self.mask, self.lengths = self.mask[rows], self.lengths[rows]

    def repeated(self, times: int) -> "_Rows":
        """As many rows as asked for that have read what this one row has."""
        cache = copy.deepcopy(self.cache)
        if self.mask.shape[1]:
            cache.batch_repeat_interleave(times)
        return _Rows(cache, self.mask.repeat(times, 1), self.lengths.repeat(times))


_Decode = Callable[[list[int], _Rows, torch.Tensor], None]
"""Numbers of rows, what they have read, and the logits behind it."""


class TransformersGenerator:
    """A causal model of transformers that writes."""

    def __init__(self, operator: str, model: FolderRef, settings: ModelSettings, tokenizer: "Tokenizer") -> None:
        self._model = load_model(operator, AutoModelForCausalLM, model, settings)
        self._tokenizer = tokenizer
        self._batch_tokens = batch_tokens_of(settings)
        self._end_ids = _end_ids(self._model)
        self.context: int = self._model.config.get_text_config().max_position_embeddings

    def choose(self, prompts: Prompts, grammar: "GrammarTokens") -> list[ChosenAnswer | None]:
        """The answer to each prompt, chosen part by part; None where prompt and answer exceed the context."""
        answers: list[ChosenAnswer | None] = [None] * len(prompts)
        fitting = [row for row, prompt in enumerate(prompts) if len(prompt) + grammar.max_tokens <= self.context]
        opened = [[*prompts[row], *grammar.opening] for row in fitting]

        def choose_batch(rows: list[int], read: _Rows, logits: torch.Tensor) -> None:
            for row, answer in zip(rows, self._chosen(read, logits, grammar), strict=True):
                answers[fitting[row]] = answer

        self._in_batches(opened, grammar.max_tokens, choose_batch)
        return answers

    def write(self, prompts: Prompts, *, max_tokens: int, stop: Sequence[str] = ()) -> list[Generation]:
        """What the model writes behind each prompt: at most `max_tokens`, up to the first text of `stop`."""
        texts = [Generation("", 0, Finish.OVERLONG)] * len(prompts)
        fitting = [row for row, prompt in enumerate(prompts) if len(prompt) < self.context]

        def write_batch(rows: list[int], read: _Rows, logits: torch.Tensor) -> None:
            room = [min(max_tokens, self.context - len(prompts[fitting[row]])) for row in rows]
            for row, text in zip(rows, self._written(read, logits, room, stop), strict=True):
                texts[fitting[row]] = text

        self._in_batches([prompts[row] for row in fitting], max_tokens, write_batch)
        return texts

    def _in_batches(self, prompts: Prompts, num_more: int, decode: _Decode) -> None:
        """Reads the prompts in batches of like length and hands each to `decode`; what all begin with is read once."""
        if not prompts:
            return
        lengths = np.array([len(prompt) + num_more for prompt in prompts], np.int64)  # (R,)
        with torch.inference_mode():
            prefix = shared_prefix(prompts)
            begun = self._read_prefix(prefix)

            def compute(batch: TokenBatch) -> None:
                rows = batch.rows.tolist()
                read = begun.repeated(len(rows))
                logits = self._read(read, [prompts[row][len(prefix) :] for row in rows])
                decode(rows, read, logits)

            self._batch_tokens = compute_batches(lengths, self._batch_tokens, compute, torch.OutOfMemoryError)

    def _read_prefix(self, prefix: Sequence[int]) -> _Rows:
        """One row that has read `prefix`."""
        begun = _Rows(
            cache=DynamicCache(config=self._model.config),
            mask=torch.ones(1, 0, dtype=torch.int64, device=self._model.device),
            lengths=torch.zeros(1, dtype=torch.int64, device=self._model.device),
        )
        if prefix:
            self._read(begun, [prefix])
        return begun

    def _read(self, rows: _Rows, blocks: Prompts) -> torch.Tensor:
        """Lets each row read its block, and gives the logits behind it: (B, V) float32.

        A block that is shorter than the longest is padded on its left, with tokens that nothing attends to.
        """
        width = max(map(len, blocks))
        ids = np.zeros((len(blocks), width), np.int64)  # (B, W)
        is_token = np.zeros((len(blocks), width), np.int64)  # (B, W)
        for row, block in enumerate(blocks):
            ids[row, width - len(block) :] = block
            is_token[row, width - len(block) :] = 1
        device = self._model.device
        new = torch.from_numpy(is_token).to(device)
        rows.mask = torch.cat([rows.mask, new], dim=1)
        positions = (rows.lengths[:, None] + new.cumsum(1) - 1).clamp(min=0)
        rows.lengths = rows.lengths + new.sum(1)
        found = self._model(
            input_ids=torch.from_numpy(ids).to(device),
            attention_mask=rows.mask,
            position_ids=positions,
            past_key_values=rows.cache,
            use_cache=True,
            logits_to_keep=1,
        )
        logits: torch.Tensor = found.logits[:, -1].float()
        return logits

    def _chosen(self, read: _Rows, logits: torch.Tensor, grammar: "GrammarTokens") -> list[ChosenAnswer]:
        """The answers of rows that have read their prompts; a step for each choice, and none for what follows it."""
        options: list[list[int]] = []  # (C, B)
        min_mass = torch.ones(logits.shape[0], device=logits.device)  # (B,)
        for number, choice in enumerate(grammar.choices, 1):
            allowed = logits[:, torch.tensor(choice.first_tokens, device=logits.device)]  # (B, options)
            mass = (allowed.logsumexp(1) - logits.logsumexp(1)).exp()  # (B,)
            min_mass = torch.minimum(min_mass, mass)
            options.append(allowed.argmax(1).tolist())
            if number < len(grammar.choices):
                logits = self._read(read, [[*choice.options[option], *choice.then] for option in options[-1]])
        return [
            ChosenAnswer(tuple(chosen), min(mass, 1.0))
            for chosen, mass in zip(zip(*options, strict=True), min_mass.tolist(), strict=True)
        ]

    def _written(self, read: _Rows, logits: torch.Tensor, room: Sequence[int], stop: Sequence[str]) -> list[Generation]:
        """What rows that have read their prompts go on with, each at most `room` tokens."""
        texts = [_Text(self._tokenizer, self._end_ids, tokens, stop) for tokens in room]
        in_batch = list(texts)
        while True:
            tokens = logits.argmax(1).tolist()
            for text, token in zip(in_batch, tokens, strict=True):
                text.add(token)
            writing = [place for place, text in enumerate(in_batch) if text.finish is None]
            if not writing:
                return [text.generation() for text in texts]
            if len(writing) < COMPACT_BELOW * len(in_batch):
                read.keep(torch.tensor(writing, device=logits.device))
                in_batch = [in_batch[place] for place in writing]
                tokens = [tokens[place] for place in writing]
            logits = self._read(read, [[token] for token in tokens])


class _Text:
    """What one row has written, and whether it goes on."""

    def __init__(self, tokenizer: "Tokenizer", end_ids: frozenset[int], room: int, stop: Sequence[str]) -> None:
        self._tokenizer = tokenizer
        self._end_ids = end_ids
        self._room = room
        self._stop = stop
        self._num_looked_at = max((len(end.encode()) for end in stop), default=0) + STOP_TOKENS_MORE
        self._ids: list[int] = []
        self.finish: Finish | None = None

    def add(self, token: int) -> None:
        """The next token, if the row still writes."""
        if self.finish is not None:
            return
        if token in self._end_ids:
            self.finish = Finish.STOP
            return
        self._ids.append(token)
        if self._stop and cut_at_stop(self._text(self._ids[-self._num_looked_at :]), self._stop) is not None:
            self.finish = Finish.STOP
        elif len(self._ids) >= self._room:
            self.finish = Finish.LENGTH

    def generation(self) -> Generation:
        """The text."""
        assert self.finish is not None
        text = self._text(self._ids)
        before = cut_at_stop(text, self._stop)
        return Generation(text if before is None else before, len(self._ids), self.finish)

    def _text(self, ids: list[int]) -> str:
        text: str = self._tokenizer.decode(ids, skip_special_tokens=True)
        return text


def _end_ids(model: Any) -> frozenset[int]:  # Any: a PreTrainedModel
    """The tokens by which a model says that its answer ends."""
    ends: set[int] = set()
    for settings in (model.config, model.generation_config):
        found = getattr(settings, "eos_token_id", None)
        ends.update(found if isinstance(found, list | tuple) else () if found is None else (found,))
    return frozenset(ends)
