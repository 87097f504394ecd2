"""Measures what workers and driver hold in memory: `python -m benchmarks.memory` writes results/memory.json.

Two things, each on Ray with `WORKERS` workers in processes of their own:

- budget: recipes/memory.yaml over all of ../shared/data/text, with `--memory-per-worker 600`: language, the rules of
  Gopher, C4 and FineWeb, exact and near duplicates, tokenization with gpt-neox-20b, packing.
- growth: recipes/memory_growth.yaml, a shuffle of whole documents over shards of 1 MB, once and over four times the
  files under four source names, with the least budget.

Peaks are those that the run itself tells, of proportional set sizes: of the system's own record of the highest resident
set, less what was shared at the end. `sampled_peak_mb` is the highest that samples, two a second, saw of any process.
MB are 10^6 bytes. Small runs come first, so that nothing compiles kernels. Skips with exit code 0 and the reason where
the texts are not there.
"""

import argparse
import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any, Final

from benchmarks.process_tree import measure
from benchmarks.surroundings import ROOT, machine, measured_now, versions

RECIPES: Final = ROOT / "benchmarks/recipes"
RESULT: Final = ROOT / "benchmarks/results/memory.json"
SHARED: Final = ROOT.parent / "shared/data"
TOKENIZER: Final = SHARED / "tokenizers/gpt-neox-20b/tokenizer.json"
WORKERS: Final = 2
BUDGET_MB: Final = 600
LEAST_MB: Final = 400
GROWTH_FOLDER: Final = "lctt_linuxcn"
COPIES: Final = ("first", "second", "third", "fourth")
PACKAGES: Final = ("ray", "pyarrow", "numba", "numpy", "tokenizers", "fastokens", "zstandard", "pydantic")

Json = dict[str, Any]  # Any: what json.dumps takes


def main() -> None:
    """The whole measurement."""
    options = _options()
    texts: Path = SHARED / "text"
    missing = [str(path) for path in (texts, TOKENIZER) if not path.exists()]
    if missing:
        print(f"benchmark memory: skipped; expected texts and a tokenizer in ../shared/data; missing {missing}")
        return
    folders = sorted(path.name for path in texts.iterdir() if path.is_dir())
    work: Path = options.work.resolve()
    _build(work / "warm-up", "memory.yaml", BUDGET_MB, _paths("docs", texts / "wikitext2"))
    budget = _build(work / "budget", "memory.yaml", BUDGET_MB, _paths("docs", texts / "*"))
    print(json.dumps({"budget": budget}))
    files = texts / GROWTH_FOLDER
    once = _build(work / "growth-1x", "memory_growth.yaml", LEAST_MB, _paths(COPIES[0], files))
    names = json.dumps(list(COPIES))
    fourfold = [setting for name in COPIES for setting in _paths(name, files)]
    four_times = _build(
        work / "growth-4x", "memory_growth.yaml", LEAST_MB, [*fourfold, "--set", f"documents.read={names}"]
    )
    print(json.dumps({"growth_1x": once, "growth_4x": four_times}))
    result = {
        "machine": machine(),
        "versions": versions(PACKAGES),
        **measured_now(),
        "settings": {"workers": WORKERS, "runner": "ray", "budget_mb": BUDGET_MB, "growth_budget_mb": LEAST_MB},
        "corpus": {"folders": folders, "text_bytes": sum(map(_text_bytes, folders)), "growth": GROWTH_FOLDER},
        "runs": {"budget": budget, "growth_1x": once, "growth_4x": four_times},
        "figures": _figures(budget, once, four_times),
    }
    options.result.parent.mkdir(parents=True, exist_ok=True)
    options.result.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result["figures"], indent=1))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.memory", description="Measures memory of workers.")
    parser.add_argument("--work", type=Path, default=ROOT / "runs/bench-memory", help="folder for builds")
    parser.add_argument("--result", type=Path, default=RESULT, help="the file to write")
    return parser.parse_args()


def _paths(source: str, folder: Path) -> list[str]:
    return ["--set", f'sources.{source}.paths=["{folder}/*.jsonl.zst"]']


def _build(output: Path, recipe: str, budget_mb: int, options: list[str]) -> Json:
    """One build from nothing, and what it held."""
    shutil.rmtree(output, ignore_errors=True)
    output.parent.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "jobs", "run", str(RECIPES / recipe), "--output", str(output), "--json"]
    command += ["--runner", "ray", "--workers", str(WORKERS), "--memory-per-worker", str(budget_mb), *options]
    # A cluster that happens to run here must not be joined, and a token file that an earlier Ray left must not matter.
    environment = {name: value for name, value in os.environ.items() if name != "RAY_ADDRESS"}
    environment |= {"RAY_AUTH_MODE": "disabled", "PYTHONPATH": str(ROOT)}
    log = output.with_name(f"{output.name}.log")
    usage = measure(command, environment=environment, log=log, directory=ROOT)
    if usage.return_code:
        raise SystemExit(
            f"benchmark memory: {output.name}: expected exit code 0; found code {usage.return_code}; see {log}"
        )
    text = log.read_text()
    told = json.loads(text[text.index("\n{\n") :])
    manifests = [json.loads(path.read_text()) for path in output.glob("steps/*/manifest.json")]
    return {
        "documents": told["rows_in"],
        "kept": told["rows_kept"],
        "shards": max(len(manifest["shards"]) for manifest in manifests),
        "peak_worker_mb": round(told["memory"]["peak_worker_bytes"] / 1e6, 1),
        "peak_driver_mb": round(told["memory"]["peak_driver_bytes"] / 1e6, 1),
        "sampled_peak_mb": round(usage.peak_process_pss_bytes / 1e6, 1),
        "wall_seconds": round(usage.wall_seconds, 1),
        "cpu_seconds": round(usage.cpu_seconds, 1),
    }


def _figures(budget: Json, once: Json, four_times: Json) -> Json:
    return {
        "budget_mb": BUDGET_MB,
        "peak_worker_mb": budget["peak_worker_mb"],
        "sampled_peak_mb": budget["sampled_peak_mb"],
        "peak_driver_mb": budget["peak_driver_mb"],
        "finished": True,  # else there would be no result
        "documents": budget["documents"],
        "growth_peak_worker_mb_1x": once["peak_worker_mb"],
        "growth_peak_worker_mb_4x": four_times["peak_worker_mb"],
        "growth_peak_driver_mb_1x": once["peak_driver_mb"],
        "growth_peak_driver_mb_4x": four_times["peak_driver_mb"],
    }


def _text_bytes(folder: str) -> int:
    statistics = json.loads((SHARED / "text" / folder / "_stats.json").read_text())
    return int(statistics["text_bytes"])


if __name__ == "__main__":
    main()
