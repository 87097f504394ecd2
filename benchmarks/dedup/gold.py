"""MinHash held against real pairs: of pages of documentation in several versions, and of two forks of a code base.

The pairs were found by name, not by similarity. For each tenth of exact similarity, the share of pairs with a common
bucket should be what probability theory says, within its error. Similarities are computed anew, on the shingles that
signatures are made of. Pairs of equal contents count once: their outcomes are one outcome.
"""

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import zstandard

from benchmarks.dedup.corpus import shingle_set
from benchmarks.dedup.expectation import detection_probability
from operators.dedup.jaccard import jaccard
from operators.dedup.minhash import MinHashSignature
from operators.dedup.signature import BUCKET_VALUE, BUCKETS, values_of_column
from pipeline.document import TEXT, TEXT_TYPE

PAIRS: Final = "gold/same_page_pairs.jsonl.zst"
TEXTS: Final = ("text/powershell_docs", "text/code_repos")
"""The folders that hold texts of pairs; the third set of the pairs' file has no texts there."""
LEAST_PAIRS: Final = 50
"""A tenth with fewer says nothing."""


@dataclass(frozen=True, slots=True)
class Tenth:
    """Pairs of about one similarity."""

    from_jaccard: float
    pairs: int
    share_with_bucket: float
    expected: float
    standard_error: float
    """Of the share, if each pair meets with its own probability, independently."""

    @property
    def deviation(self) -> float:
        """In standard errors."""
        difference = self.share_with_bucket - self.expected
        return 0.0 if abs(difference) < 1e-9 else difference / self.standard_error


def missing(data: Path) -> list[str]:
    """What is needed and not there."""
    return [str(data / name) for name in (PAIRS, *TEXTS) if not (data / name).exists()]


def tenths(data: Path) -> list[Tenth]:
    """The tenths with at least `LEAST_PAIRS` pairs."""
    pairs = [(pair["a"], pair["b"]) for pair in _records(data / PAIRS)]
    texts = _texts(data, {name for pair in pairs for name in pair})
    shingles = {name: shingle_set(text) for name, text in texts.items()}
    buckets = dict(zip(texts, _buckets(list(texts.values())), strict=True))
    seen: set[frozenset[bytes]] = set()
    jaccards, met = [], []
    for pair in pairs:
        sets = [shingles.get(name, np.empty(0, np.uint32)) for name in pair]
        contents = frozenset(found.tobytes() for found in sets)
        if contents in seen or not all(map(len, sets)):
            continue
        seen.add(contents)
        jaccards.append(jaccard(*sets))
        met.append(bool((buckets[pair[0]] == buckets[pair[1]]).any()))
    return list(_by_tenth(np.array(jaccards), np.array(met)))


def _by_tenth(jaccards: np.ndarray[Any, Any], met: np.ndarray[Any, Any]) -> Iterator[Tenth]:  # Any: shapes
    probabilities = detection_probability(jaccards)
    numbers = np.minimum((jaccards * 10).astype(np.int64), 9)
    for number in range(10):
        inside = numbers == number
        num_pairs = int(inside.sum())
        if num_pairs < LEAST_PAIRS:
            continue
        chances = probabilities[inside]
        error = float(np.sqrt((chances * (1 - chances)).sum()) / num_pairs)
        yield Tenth(number / 10, num_pairs, float(met[inside].mean()), float(chances.mean()), error)


def _buckets(texts: list[str]) -> np.ndarray[Any, Any]:  # Any: shapes
    batch = pa.record_batch({TEXT: pa.array(texts, TEXT_TYPE)})
    buckets, _ = values_of_column(MinHashSignature().open()(batch).column(BUCKETS), BUCKET_VALUE)
    return buckets


def _texts(data: Path, wanted: set[str]) -> dict[str, str]:
    return {
        record["id"]: record["text"]
        for folder in TEXTS
        for path in sorted((data / folder).glob("*.jsonl.zst"))
        for record in _records(path)
        if record["id"] in wanted
    }


def _records(path: Path) -> Iterator[dict[str, Any]]:  # Any: parsed JSON
    with path.open("rb") as stream:
        lines = io.TextIOWrapper(zstandard.ZstdDecompressor().stream_reader(stream), "utf-8", newline="\n")
        yield from map(json.loads, lines)
