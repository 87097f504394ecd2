"""A small language model for tests: an ARPA file with back-off, and SentencePiece tokens of single characters."""

import io
from itertools import pairwise
from pathlib import Path

import sentencepiece

LETTERS = "abcdefghijklmnopqrstuvwxyz0.,'\"-"

UNIGRAMS = {
    "<unk>": (-3.0, 0.0),
    "<s>": (-99.0, -0.25),
    "</s>": (-1.0, 0.0),
    "\u2581": (-0.75, -0.5),
    "a": (-1.25, -0.125),
    "b": (-1.5, 0.0),
    "0": (-2.0, -0.375),
}
"""log10 of the probability, and of the back-off weight, of a token."""
BIGRAMS = {("<s>", "\u2581"): -0.125, ("\u2581", "a"): -0.5, ("a", "b"): -0.375, ("b", "</s>"): -0.25}
"""log10 of the probability of the second token after the first."""


def log10_of(tokens: list[str]) -> float:
    """What a bigram model with back-off gives a line, by the formula of ARPA files."""
    known = ["<s>", *(token if token in UNIGRAMS else "<unk>" for token in tokens), "</s>"]
    return sum(
        BIGRAMS.get((before, token), UNIGRAMS[before][1] + UNIGRAMS[token][0]) for before, token in pairwise(known)
    )


def write_arpa(path: Path) -> Path:
    """The model above, as KenLM reads it."""
    lines = ["\\data\\", f"ngram 1={len(UNIGRAMS)}", f"ngram 2={len(BIGRAMS)}", "", "\\1-grams:"]
    lines += [f"{log10}\t{token}\t{backoff}" for token, (log10, backoff) in UNIGRAMS.items()]
    lines += ["", "\\2-grams:", *(f"{log10}\t{' '.join(tokens)}" for tokens, log10 in BIGRAMS.items())]
    path.write_text("\n".join([*lines, "", "\\end\\", ""]), encoding="utf-8")
    return path


def write_sentencepiece(path: Path) -> Path:
    """A model whose tokens are single characters, a space written as U+2581."""
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter([LETTERS, " ".join(LETTERS)]),
        model_writer=model,
        model_type="char",
        vocab_size=len(LETTERS) + 4,
        character_coverage=1.0,
        hard_vocab_limit=False,
        num_threads=1,
        minloglevel=2,
    )
    path.write_bytes(model.getvalue())
    return path
