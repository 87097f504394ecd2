"""Golden rows as they stand in `expected.jsonl` files, with their texts."""

import json
from pathlib import Path
from typing import Any

GOLDEN = Path(__file__).parent


def golden_rows(name: str) -> list[dict[str, Any]]:  # Any: JSON
    """The rows of the folder `name`; one without pieces has the text of the row of its name in `gopher`."""
    pieces = {row["name"]: row["pieces"] for row in _rows("gopher")}
    return [row | {"text": _text(row.get("pieces") or pieces[row["name"]])} for row in _rows(name)]


def _rows(name: str) -> list[dict[str, Any]]:
    path = GOLDEN / name / "expected.jsonl"
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def _text(pieces: list[tuple[str, int]]) -> str:
    return "".join(part * count for part, count in pieces)
