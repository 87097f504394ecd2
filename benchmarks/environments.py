"""Virtual environments in which benchmarks run: one for each tool, of this Python, never the project's own.

Packages come from where pip is configured to look.
"""

import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

from benchmarks.surroundings import ROOT


@dataclass(frozen=True, slots=True)
class Peer:
    """A tool that is measured, in an environment of its own."""

    name: str
    requirements: tuple[str, ...]
    method: str
    script: Path | None = None
    """What its Python runs, with the input's and the output's folder; None for corpusmill."""


def own_environment() -> Peer:
    """What a user of corpusmill installs, and nothing else: its dependencies in the versions of constraints.txt.

    Not this Python's: numba loads SciPy where it finds it, so the tests' packages would cost every run half a second.
    """
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    requirements = ("-c", str(ROOT / "constraints.txt"), *project["dependencies"])
    return Peer("ours", requirements, "corpusmill, run from this checkout")


class NotInstalledError(Exception):
    """A peer cannot be had here; the message says why."""


def install(peer: Peer, folder: Path) -> Path:
    """The Python of the peer's environment, `folder`/NAME; made if it is not there, or is for other versions."""
    environment = folder / peer.name
    python = environment / "bin/python"
    stamp = environment / "installed.txt"
    wanted = "\n".join(peer.requirements)
    if stamp.is_file() and stamp.read_text() == wanted:
        return python
    print(f"installing {peer.name} into {environment} ...", flush=True)
    _do([sys.executable, "-m", "venv", "--clear", str(environment)])
    _do([str(python), "-m", "pip", "install", "--quiet", *peer.requirements])
    stamp.write_text(wanted)
    return python


def _do(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["no message"]
        reason = next((line for line in lines if line.startswith("ERROR")), lines[-1])
        raise NotInstalledError(f"{' '.join(command[1:4])}: exit code {done.returncode}: {reason}")
