"""One case of hostile input: how to make it, and the outcome that is promised; and how one is run."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from pipeline.artifact import Manifest

Make = Callable[[Path], None]
"""Writes the case's input files into the folder `in` of a folder that is given and empty but for it."""


@dataclass(frozen=True)
class Kept:
    """The run ends with exit code 0, and every record is accounted for."""

    rows: int
    quarantined: Mapping[str, int] = field(default_factory=dict)
    """Reason -> records."""
    damaged: Mapping[str, int] = field(default_factory=dict)
    """Reason -> files."""
    duplicate_keys: int = 0


@dataclass(frozen=True)
class Refused:
    """The run ends with one line that holds `message`: nothing was built (exit code 2), or not all (1)."""

    message: str
    code: int = 2


Outcome = Kept | Refused


@dataclass(frozen=True)
class Case:
    """Hostile input by name."""

    name: str
    what: str
    """One line for the page: what is hostile about it."""
    make: Make
    outcome: Outcome
    source: Mapping[str, Any] = field(default_factory=dict)
    """Keys of the source; `paths` is `in/*` where not given."""
    recipe: Mapping[str, Any] = field(default_factory=dict)
    """Top-level keys of the recipe, in place of its own."""
    is_slow: bool = False
    """Runs in the long form alone."""

    def write(self, folder: Path) -> Path:
        """Makes the input and a recipe that reads it and writes its documents; returns the recipe's path."""
        (folder / "in").mkdir(parents=True)
        self.make(folder / "in")
        recipe = {
            "name": "hostile",
            "sources": {"web": {"paths": "in/*", **self.source}},
            "steps": [{"name": "documents", "read": "web", "write": "documents"}],
            **self.recipe,
        }
        path = folder / "recipe.yaml"
        path.write_text(yaml.safe_dump(recipe), encoding="utf-8")
        return path


def files(contents: Mapping[str, bytes | Callable[[], bytes]]) -> Make:
    """Makes files of these contents; large ones are given as functions."""

    def make(folder: Path) -> None:
        for name, content in contents.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content() if callable(content) else content)

    return make


def lines(first: int, last: int) -> bytes:
    """JSONL records with the numbers first to last - 1; from 10 on they are equally long."""
    return b"".join(line(number) for number in range(first, last))


def line(number: int) -> bytes:
    """One such record."""
    return json.dumps({"id": f"n{number}", "text": f"This is the text of document {number}."}).encode() + b"\n"


def kept_of(counts: Mapping[str, Any], manifests: list[Manifest]) -> Kept:
    """What a run that ended well found.

    Args:
        counts: what `corpusmill run --json` printed.
        manifests: of its steps.
    """
    quarantined: dict[str, int] = {}
    for step in counts["steps"]:
        for rule, rows in step["rules"].items():
            operator, action, reason = rule.split("/", 2)
            if (operator, action) == ("read", "quarantine"):
                quarantined[reason] = quarantined.get(reason, 0) + rows
    damaged = {
        (entry["source"], entry["path"]): entry["damaged"]["reason"]
        for manifest in manifests
        for shard in manifest.shards
        for entry in shard.inputs
        if "damaged" in entry
    }
    reasons = list(damaged.values())
    assert counts["damaged_files"] == len(reasons)
    assert counts["rows_quarantined"] == sum(quarantined.values())
    assert counts["rows_in"] == counts["rows_kept"] + counts["rows_quarantined"]
    return Kept(
        counts["rows_kept"],
        quarantined,
        {reason: reasons.count(reason) for reason in sorted(set(reasons))},
        counts["duplicate_keys"],
    )
