"""Measures model operators on this machine: `python -m benchmarks.models.run` writes results/models.json.

Each module of this folder that is named below says what its figures mean. A figure whose model or device is not here is
left out, and the reason printed; figures named on the command line alone are measured and the others kept as they were.
"""

import importlib.metadata
import json
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from benchmarks.models.answers import answer_figures
from benchmarks.models.end_to_end import end_to_end_figures
from benchmarks.models.gpu import gpu_figures
from benchmarks.models.losses import TEXT_FOLDERS, loss_figures
from benchmarks.models.stage_overlap import stage_overlap_figures
from benchmarks.real_text import missing
from benchmarks.surroundings import ROOT, commit, machine

RESULTS: Final = ROOT / "benchmarks/results/models.json"
PACKAGES: Final = ("torch", "transformers", "tokenizers", "gguf", "numpy", "ray")

GROUPS: Final[dict[str, Callable[[], Iterator[tuple[str, float]]]]] = {
    "losses": loss_figures,
    "answers": answer_figures,
    "end_to_end": end_to_end_figures,
    "stage_overlap": stage_overlap_figures,
    "gpu": gpu_figures,
}
"""What is measured, by the name that the command line takes; each yields figures by name."""


def main() -> None:
    """Measures and writes."""
    absent = missing(TEXT_FOLDERS)
    if absent:
        print(f"benchmark models: skipped; expected texts in ../shared/data; missing {absent}")
        return
    wanted = sys.argv[1:] or list(GROUPS)
    unknown = sorted(set(wanted) - set(GROUPS))
    if unknown:
        raise SystemExit(f"benchmark models: expected groups {sorted(GROUPS)}; found {unknown}")
    results = _kept(RESULTS) if sys.argv[1:] else {}
    for group in wanted:
        before = machine()
        figures: dict[str, float] = {}
        for name, value in GROUPS[group]():
            print(f"{name}: {value}", flush=True)
            figures[name] = value
        results[group] = {
            "machine": before,
            "versions": {name: importlib.metadata.version(name) for name in PACKAGES},
            "commit": commit(),
            "finished": datetime.now(UTC).isoformat(timespec="seconds"),
            "corpus": list(TEXT_FOLDERS),
            "figures": figures,
        }
    flat = {name: value for group in results.values() for name, value in group["figures"].items()}
    RESULTS.write_text(json.dumps({"figures": flat, "groups": results}, indent=1, sort_keys=True) + "\n")


def _kept(path: Path) -> dict[str, Any]:  # Any: JSON
    """The groups of an earlier measurement."""
    groups: dict[str, Any] = json.loads(path.read_text())["groups"] if path.exists() else {}
    return groups


if __name__ == "__main__":
    main()
