"""Losses as a plain loop over transformers gives them: one document at a time, one window at a time.

What the project's losses are compared with, so nothing of the project is used here: transformers loads the model and
its tokenizer, and log_softmax runs in float64.
"""

from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers.utils import logging


class PlainLosses:
    """A causal model and its tokenizer, on the CPU in float32."""

    def __init__(self, folder: Path, gguf_file: str | None = None) -> None:
        logging.disable_progress_bar()
        logging.set_verbosity_error()  # texts beyond the model's context are cut into windows below
        source = {"local_files_only": True} | ({} if gguf_file is None else {"gguf_file": gguf_file})
        self._model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, **source).eval()
        self._tokenizer = AutoTokenizer.from_pretrained(folder, **source)
        config = self._model.config
        self._start: int = config.eos_token_id if config.bos_token_id is None else config.bos_token_id

    def ids(self, text: str) -> list[int]:
        """The tokens of a text, in which special tokens that it writes out are text."""
        found: list[int] = self._tokenizer(text, add_special_tokens=False, split_special_tokens=True)["input_ids"]
        return found

    def nats(self, ids: list[int], *, window: int, stride: int) -> float:
        """The loss of a document, the token for the beginning of a text before it.

        A window shows the model `window` tokens and begins `stride` tokens behind the one before; of its predictions
        those count that no window before it has made.
        """
        sequence = [self._start, *ids]
        total, num_scored, begin = 0.0, 0, 0
        with torch.inference_mode():
            while num_scored < len(ids):
                shown = sequence[:-1][begin : begin + window]
                logits = self._model(input_ids=torch.tensor([shown])).logits[0]
                new = logits[num_scored - begin :].double().log_softmax(-1)
                targets = torch.tensor(sequence[num_scored + 1 : begin + len(shown) + 1])
                total -= float(new[torch.arange(targets.numel()), targets].sum())
                num_scored = begin + len(shown)
                begin += stride
        return total
