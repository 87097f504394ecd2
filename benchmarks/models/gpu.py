"""Speed of models on a GPU. A group of `python -m benchmarks.models.run`.

Models of the sizes that are used for scoring, with random weights in bfloat16, so that nothing is downloaded: what they
say is nonsense, what they cost is not. Documents are random ids whose numbers are drawn as the web's are, log-normal.

- encoder: an encoder of BERT-base's size with one number as its head, as FineWeb-Edu's classifier, over the first 512
  tokens of each document;
- prefill: losses of every token under a causal model of 1.5 billion parameters, as DataMan's, in windows of 2,048.

`tokens_per_s` counts tokens of documents, without padding and without what windows see twice. `share_of_peak` is the
arithmetic that these tokens need, two operations for each weight that multiplies a token's state, over what the card's
data sheet promises for dense bfloat16; attention's own products are left out, so that the share is an understatement.

Left out, with the reason, where torch sees no GPU.
"""

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from operators.models.encoder import load_classifier
from operators.models.engine import load_loss_scorer
from operators.models.settings import ModelSettings
from operators.models.token_sequences import SpecialIds, cut_sequences
from operators.models.token_spans import cut_spans
from pipeline.folder_ref import FolderRef

PEAK_FLOPS: Final = {
    "A100": 312e12,
    "H100": 989e12,
    "H200": 989e12,
    "L40S": 362e12,
    "B200": 2250e12,
}
"""Dense bfloat16 operations a second by the data sheets of NVIDIA, the SXM version where there are several."""

ENCODER: Final = {
    "vocab_size": 30_522,
    "hidden_size": 768,
    "intermediate_size": 3072,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "max_position_embeddings": 512,
    "num_labels": 1,
}
"""As BERT-base (Devlin et al. 2019, arXiv:1810.04805, section 3)."""
CAUSAL: Final = {
    "vocab_size": 151_936,
    "hidden_size": 1536,
    "intermediate_size": 8960,
    "num_hidden_layers": 28,
    "num_attention_heads": 12,
    "num_key_value_heads": 2,
    "max_position_embeddings": 4096,
    "tie_word_embeddings": True,
    "bos_token_id": 0,
}
"""As Qwen2-1.5B (Yang et al. 2024, arXiv:2407.10671, table 1), which DataMan is trained from."""

NUM_DOCUMENTS: Final = 4096
MEAN_LOG_TOKENS, DEVIATION_LOG_TOKENS = 6.3, 1.0
"""A median of 545 tokens, and a tenth of the documents beyond 1,960: about the lengths of pages of Common Crawl."""
ROUNDS: Final = 3
WINDOW: Final = 2048

Ids = npt.NDArray[np.uint32]
Json = dict[str, Any]  # Any: what json.dumps takes


@dataclass(frozen=True, slots=True)
class Work:
    """What a round computes."""

    documents: int
    tokens: int
    """Of the documents, as far as they are seen."""
    weights: int
    """That multiply the state of each token."""


def gpu_figures() -> Iterator[tuple[str, float]]:
    """What `rates` says of both, named after the card."""
    import torch  # noqa: PLC0415 -- an extra

    if not torch.cuda.is_available():
        print("gpu: skipped; expected a GPU that torch sees; found none")
        return
    card = torch.cuda.get_device_name()
    settings = ModelSettings(device="cuda", dtype="bfloat16")
    documents = random_documents(NUM_DOCUMENTS, min(ENCODER["vocab_size"], CAUSAL["vocab_size"]))
    with tempfile.TemporaryDirectory() as folder:
        found = {
            "encoder": encoder_rate(Path(folder) / "encoder", ENCODER, documents, settings, peak_of(card)),
            "prefill": prefill_rate(Path(folder) / "causal", CAUSAL, documents, settings, peak_of(card)),
        }
    for kind, values in found.items():
        yield from ((f"gpu_{kind}_{name}", value) for name, value in values.items() if value is not None)


def peak_of(card: str) -> float | None:
    """Operations a second that the data sheet promises; None for a card that is not listed."""
    return next((peak for name, peak in PEAK_FLOPS.items() if name in card), None)


def random_documents(num_documents: int, vocabulary: int) -> list[Ids]:
    """Ids drawn from a seed, of lengths as the web's."""
    random = np.random.default_rng(1)
    lengths = np.maximum(1, random.lognormal(MEAN_LOG_TOKENS, DEVIATION_LOG_TOKENS, num_documents).astype(np.int64))
    return [random.integers(0, vocabulary, length).astype(np.uint32) for length in lengths]


def encoder_rate(
    folder: Path, shape: Json, documents: Sequence[Ids], settings: ModelSettings, peak: float | None
) -> Json:
    """Speed of a regression over the heads of documents."""
    from transformers import BertConfig, BertForSequenceClassification  # noqa: PLC0415 -- an extra

    model = BertForSequenceClassification(BertConfig(**shape))
    model.save_pretrained(folder)
    embeddings = sum(weights.numel() for weights in model.bert.embeddings.parameters())
    encoder = load_classifier("gpu", FolderRef(uri=str(folder)).pin(folder), settings)
    sequences = cut_sequences(
        documents, SpecialIds((), ()), max_tokens=shape["max_position_embeddings"], over_length="head"
    )
    tokens = sum(ids.size for ids in sequences.ids)
    work = Work(len(documents), tokens, _num_weights(model) - embeddings)
    return rates(work, seconds_of(lambda: encoder.compute(sequences.ids)), peak)


def prefill_rate(
    folder: Path, shape: Json, documents: Sequence[Ids], settings: ModelSettings, peak: float | None
) -> Json:
    """Speed of the losses of all tokens under a causal model."""
    from transformers import LlamaConfig, LlamaForCausalLM  # noqa: PLC0415 -- an extra

    model = LlamaForCausalLM(LlamaConfig(**shape))
    model.save_pretrained(folder)
    # Tied embeddings are one matrix that is looked up at the bottom and multiplies at the top.
    looked_up = 0 if shape.get("tie_word_embeddings") else model.get_input_embeddings().weight.numel()
    scorer = load_loss_scorer("gpu", FolderRef(uri=str(folder)).pin(folder), settings)
    window = min(WINDOW, shape["max_position_embeddings"])
    spans = cut_spans(documents, scorer.start_id, window=window, stride=window)
    work = Work(len(documents), sum(ids.size for ids in documents), _num_weights(model) - looked_up)
    return rates(work, seconds_of(lambda: scorer.nats(spans)), peak)


def rates(work: Work, seconds: float, peak: float | None) -> Json:
    """What `seconds` a round mean."""
    flops = 2 * work.weights * work.tokens / seconds
    return {
        "documents": work.documents,
        "tokens": work.tokens,
        "weights": work.weights,
        "seconds": round(seconds, 3),
        "documents_per_s": round(work.documents / seconds, 1),
        "tokens_per_s": round(work.tokens / seconds),
        "share_of_peak": None if peak is None else round(flops / peak, 3),
    }


def seconds_of(compute: Callable[[], object]) -> float:
    """The fastest of some rounds, after one that does not count: others hold what else the machine did."""
    compute()
    found = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        compute()  # ends with a transfer of its results, so the device has finished
        found.append(time.perf_counter() - start)
    return min(found)


def _num_weights(model: Any) -> int:  # Any: a torch module
    return sum(weights.numel() for weights in model.parameters())
