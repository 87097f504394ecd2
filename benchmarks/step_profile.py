"""Where the local runner spends its time: cProfile over one build, summed by operator, by folder and by function.

`python -m benchmarks.step_profile RECIPE OUTPUT REPORT [PATH=VALUE ...]` builds RECIPE in OUTPUT on the local runner
and writes the report. Seconds are CPU seconds of the process. The profiler makes Python calls slower and kernels not,
so shares lean towards Python; kernels are counted with the Python function that calls them.
"""

import contextlib
import cProfile
import io
import pstats
import re
import sys
import time
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from jobs.cli import app

TOP_FUNCTIONS: Final = 40
_OURS: Final = re.compile(r"/((?:operators|pipeline)/[\w/]+)\.py$")
_NOT_THE_DOOR: Final = r"^(?!.*site-packages/typer)"
"""All functions but those of the command line's parser, which only call the command."""
Function = tuple[str, int, str]
"""File, line and name: how the profiler calls a function."""


def profile_build(recipe: Path, output: Path, overrides: list[str]) -> pstats.Stats:
    """The profile of one build on the local runner."""
    arguments = ["run", str(recipe), "--output", str(output), "--runner", "local"]
    for override in overrides:
        arguments += ["--set", override]
    profile = cProfile.Profile(time.process_time)  # of all threads; what else the machine does must not show
    with contextlib.redirect_stdout(io.StringIO()):
        profile.runcall(app, arguments, standalone_mode=False)
    return pstats.Stats(profile)


def describe(stats: pstats.Stats) -> str:
    """Seconds and shares by operator, by module of the pipeline, and the functions with the most time below them."""
    total = stats.total_tt  # type: ignore[attr-defined]  # not in the stubs
    lines = [f"one process, {total:.1f} CPU seconds under the profiler", "", "by operator, with all that it calls:"]
    lines += _table(_entered(stats, "operators/"), total)
    lines += ["", "by module of the pipeline, with libraries that it calls but without the project's other modules:"]
    lines += _table(_own(stats), total)
    lines += ["", f"the {TOP_FUNCTIONS} functions with the most time below them:"]
    text = io.StringIO()
    stats.stream = text  # type: ignore[attr-defined]  # not in the stubs
    stats.sort_stats("cumulative").print_stats(_NOT_THE_DOOR, TOP_FUNCTIONS)
    lines += [_short(line) for line in text.getvalue().splitlines() if re.match(r"\s+(ncalls|\d)", line)]
    return "\n".join(lines) + "\n"


def _entered(stats: pstats.Stats, layer: str) -> dict[str, float]:
    """Seconds below the functions of `layer` that are called from outside of it, by module."""
    seconds: defaultdict[str, float] = defaultdict(float)
    for function, (_, _, _, _, callers) in stats.stats.items():  # type: ignore[attr-defined]  # not in the stubs
        module = _module(function)
        if module.startswith(layer):
            seconds[module] += sum(edge[3] for caller, edge in callers.items() if not _module(caller).startswith(layer))
    return seconds


def _own(stats: pstats.Stats) -> dict[str, float]:
    """Seconds in each module of the pipeline and in the libraries that it calls directly."""
    seconds: defaultdict[str, float] = defaultdict(float)
    for function, (_, _, own, _, callers) in stats.stats.items():  # type: ignore[attr-defined]  # not in the stubs
        module = _module(function)
        if module:
            seconds[module] += own
            continue
        for caller, edge in callers.items():
            seconds[_module(caller)] += edge[3] if not _module(caller).startswith("operators/") else 0.0
    return {module: spent for module, spent in seconds.items() if module.startswith("pipeline/")}


def _module(function: Function) -> str:
    found = _OURS.search(function[0])
    return found[1] if found else ""


def _table(seconds: Mapping[str, float], total: float) -> list[str]:
    return [
        f"  {spent:8.2f} s  {spent / total:6.1%}  {name}"
        for name, spent in sorted(seconds.items(), key=lambda item: -item[1])
        if spent >= total / 1000
    ]


def _short(line: str) -> str:
    """Without the folders above the project and above libraries."""
    return re.sub(r"/\S*/(?=(?:operators|pipeline|jobs|site-packages|python3\.\d+)/)", "", line)


def main() -> None:
    """Writes the report."""
    recipe, output, report, *overrides = sys.argv[1:]
    stats = profile_build(Path(recipe), Path(output), overrides)
    Path(report).write_text(describe(stats))


if __name__ == "__main__":
    main()
