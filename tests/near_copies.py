"""Texts with near-copies of each other at many similarities, the same in every run."""

import json
import random
from collections.abc import Sequence

_WORDS = tuple(f"{head}{tail}" for head in "bcdfgklmnprst" for tail in ("ab", "ode", "iru", "uss", "enta", "ola"))


def near_copies(num_documents: int, *, seed: int, of: Sequence[str] = ()) -> list[str]:
    """Texts of some 60 words: a third fresh, the others edited copies of earlier ones, or of those in `of`."""
    chance = random.Random(seed)
    texts = list(of)
    for _ in range(num_documents):
        if not texts or chance.random() < 1 / 3:
            texts.append(" ".join(chance.choices(_WORDS, k=chance.randint(40, 80))))
            continue
        words = chance.choice(texts).split()
        for _ in range(chance.choice((0, 1, 1, 2, 3, 5))):
            words[chance.randrange(len(words))] = chance.choice(_WORDS)
        texts.append(" ".join(words))
    return texts[len(of) :]


def ranked_lines(prefix: str, texts: Sequence[str], *, rank: int) -> bytes:
    """A JSONL file of records whose ids say where they come from, with a rank to order by."""
    records = [{"id": f"{prefix}{number}", "text": text, "rank": rank} for number, text in enumerate(texts)]
    return b"".join(json.dumps(record).encode() + b"\n" for record in records)
