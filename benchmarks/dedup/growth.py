"""How a tool's CPU time and memory grow with the number of documents, and what one hot bucket costs."""

import math
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Final

import numpy as np

from benchmarks.dedup.corpus import Corpus
from benchmarks.dedup.tools import Json, Run, Tool, described, documents_of, run_once

SMALL_DOCUMENTS: Final = 100_000
SMALL_RUNS: Final = 7
"""Start-up differs by a tenth of a second from run to run, which is a third of what 10,000 short documents take."""


def measure_growth(tool: Tool, tiny: Corpus, corpora: Sequence[Corpus], work: Path) -> Json:
    """Medians over runs. The runs over `tiny` stand for what start-up costs, and are taken off."""
    start = _median(tool, tiny, work)
    runs = {corpus.documents: _median(tool, corpus, work) for corpus in corpora}
    return {
        "corpora": [described(corpus) for corpus in (tiny, *corpora)],
        "exponent": round(exponent({size: run.cpu_seconds - start.cpu_seconds for size, run in runs.items()}), 3),
        "tiny": asdict(start),
        "runs": {str(size): asdict(run) for size, run in runs.items()},
    }


def _median(tool: Tool, corpus: Corpus, work: Path) -> Run:
    """The run of the median CPU time. Start-up is most of a small run, so small ones are repeated."""
    repeats = SMALL_RUNS if corpus.documents <= SMALL_DOCUMENTS else 1
    runs = [_once(tool, documents_of(corpus), work, corpus.path.name) for _ in range(repeats)]
    return sorted(runs, key=lambda run: run.cpu_seconds)[repeats // 2]


def exponent(seconds: Mapping[int, float]) -> float:
    """The slope of log seconds over log documents, by least squares; 1 is linear growth."""
    if len(seconds) < 2:
        return math.nan
    sizes, times = (np.log(list(values)) for values in (seconds.keys(), seconds.values()))
    return float(np.polyfit(sizes, times, 1)[0])


def measure_hot_bucket(tool: Tool, hot: Path, cold: Path, work: Path) -> Json:
    """CPU time with a bucket that a fifth of the documents share, by the time without."""
    runs = {"hot": _once(tool, hot, work, "hot"), "cold": _once(tool, cold, work, "cold")}
    slowdown = runs["hot"].cpu_seconds / runs["cold"].cpu_seconds
    return {"slowdown": round(slowdown, 3), **{name: asdict(run) for name, run in runs.items()}}


def _once(tool: Tool, documents: Path, work: Path, name: str) -> Run:
    output = work / f"{tool.name}-{name}"
    run = run_once(tool, documents, output)
    print(f"{name}: {run.cpu_seconds} CPU s, {run.wall_seconds} s, {run.peak_mb} MB", flush=True)
    shutil.rmtree(output)
    return run
