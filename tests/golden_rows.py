"""Rows of tests/golden that hold what a reference implementation makes of texts."""

import json
from pathlib import Path
from typing import Any

import xxhash

GOLDEN = Path(__file__).parent / "golden"


def golden_rows(name: str) -> list[dict[str, Any]]:
    """The rows of a folder, with their texts as `input`; rows whose source is another folder take the texts there."""
    with (GOLDEN / name / "expected.jsonl").open(encoding="utf-8") as lines:  # texts may hold other line separators
        rows = [json.loads(line) for line in lines]
    sources = {row["source"] for row in rows if "source" in row}
    texts = {(source, row["name"]): row["input"] for source in sources for row in golden_rows(source)}
    return [row | {"input": texts[row["source"], row["name"]] if "source" in row else _text(row)} for row in rows]


def _text(row: dict[str, Any]) -> str:
    return "".join(piece * count for piece, count in row["pieces"])


def is_result(text: str, result: dict[str, Any]) -> bool:
    """Whether a text is what the row holds, as it is or as a digest."""
    if "digest" in result:
        return bool(xxhash.xxh3_128_hexdigest(text.encode()) == result["digest"])
    return bool(text == result["text"])
