"""How fast the tools are and how well they find: all of them in turns, over corpora with planted near-duplicates."""

import shutil
import statistics
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Final

from benchmarks.dedup.corpus import Corpus
from benchmarks.dedup.score import score
from benchmarks.dedup.tools import Json, Run, Tool, described, documents_of, run_once

ROUNDS: Final = 3
QUICK_SECONDS: Final = 150
"""A tool that takes longer runs once."""
MAX_SECONDS: Final = 900
"""A tool that would take longer over the larger corpus is measured over the smaller one alone."""


def compare(tools: Sequence[Tool], corpora: Sequence[Corpus], work: Path) -> dict[str, Json]:
    """For each corpus, smallest first, what each tool took and found; slow tools leave out the larger corpora."""
    results: dict[str, Json] = {}
    slow: dict[str, str] = {}
    seconds: dict[str, float] = {}
    for at, corpus in enumerate(corpora):
        growth = corpus.text_bytes / corpora[at - 1].text_bytes if at else 1.0
        chosen = []
        for tool in tools:
            expected = seconds.get(tool.name, 0.0) * growth
            if expected > MAX_SECONDS:
                slow[tool.name] = f"would take about {expected:.0f} s; the limit is {MAX_SECONDS} s"
            else:
                chosen.append(tool)
        runs, scores = _rounds(chosen, corpus, work)
        seconds = {name: found[0].wall_seconds for name, found in runs.items()}
        results[corpus.path.name] = {
            "corpus": described(corpus),
            "tools": {name: _summary(corpus, found) | {"quality": scores[name]} for name, found in runs.items()},
            "left_out": dict(slow),
        }
    return results


def _rounds(tools: Sequence[Tool], corpus: Corpus, work: Path) -> tuple[dict[str, list[Run]], Json]:
    """All tools once, then the quick ones again: what else happens on the machine meets all of them."""
    runs: dict[str, list[Run]] = {tool.name: [] for tool in tools}
    scores: Json = {}
    for number in range(ROUNDS):
        for tool in tools:
            if number and runs[tool.name][0].wall_seconds > QUICK_SECONDS:
                continue
            output = work / f"{tool.name}-{corpus.path.name}"
            run = run_once(tool, documents_of(corpus), output)
            runs[tool.name].append(run)
            print(
                f"{corpus.path.name}: {tool.name}: {run.cpu_seconds} CPU s, {run.wall_seconds} s, {run.peak_mb} MB",
                flush=True,
            )
            found = asdict(score(corpus, tool.survivors(output), verify_at=tool.verify_at))
            if scores.setdefault(tool.name, found) != found:
                print(f"{corpus.path.name}: {tool.name}: removes other documents in round {number}", flush=True)
            for folder in output.parent.glob(f"{output.name}*/"):
                shutil.rmtree(folder)
    return runs, scores


def _summary(corpus: Corpus, runs: Sequence[Run]) -> Json:
    cpu, wall, peak = (
        statistics.median(getattr(run, name) for run in runs) for name in ("cpu_seconds", "wall_seconds", "peak_mb")
    )
    return {
        "mb_per_cpu_s": round(corpus.text_bytes / 1e6 / cpu, 3),
        "cpu_seconds": cpu,
        "wall_seconds": wall,
        "peak_mb": peak,
        "runs": [asdict(run) for run in runs],
    }
