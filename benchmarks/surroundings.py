"""Where and of what a result was measured."""

import importlib.metadata
import os
import platform
import subprocess
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parents[1]


def machine() -> dict[str, Any]:  # Any: what json.dumps takes
    """Processor, memory, system and how busy it is."""
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if "model name" in line
        ),
        platform.machine(),
    )
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return {
        "cpu": model,
        "num_cpus": len(os.sched_getaffinity(0)),
        "memory_gib": round(pages / 2**30, 1),
        "system": platform.platform(),
        "load_before": round(os.getloadavg()[2], 2),
    }


def versions(packages: Iterable[str]) -> dict[str, str]:
    """Of these packages and of Python, by name."""
    return {name: importlib.metadata.version(name) for name in packages} | {"python": platform.python_version()}


def measured_now() -> dict[str, str]:
    """The commit that is measured, and the time."""
    return {"commit": commit(), "date": datetime.now(UTC).isoformat(timespec="seconds")}


def commit() -> str:
    """The commit that is measured, and whether the code differs from it."""

    def git(*arguments: str) -> str:
        done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
        return done.stdout.strip()

    head = git("rev-parse", "HEAD") or "unknown"
    changed = git("status", "--porcelain", "--untracked-files=no", "--", "pipeline", "operators", "jobs")
    return f"{head}, with changes" if changed else head
