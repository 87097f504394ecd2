"""The other tools: what each needs, and how it is run.

Each lives in a virtual environment of its own, of this Python, never in the project's. Packages come from where pip is
configured to look. All do the same work: word 5-grams, 14 bands of 8 rows, Parquet in, Parquet out.
"""

import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.surroundings import ROOT

SCRIPTS: Final = Path(__file__).parent / "peer_scripts"


@dataclass(frozen=True, slots=True)
class Peer:
    """A tool that deduplicates by MinHash."""

    name: str
    requirements: tuple[str, ...]
    method: str

    @property
    def script(self) -> Path:
        """What its Python runs, with the input's and the output's folder."""
        return SCRIPTS / f"run_{self.name}.py"


PEERS: Final = (
    Peer(
        "daft", ("daft==0.7.26", "pyarrow==25.0.1", "igraph==1.0.0"), "normalize, minhash, groupby, igraph components"
    ),
    Peer("rensa", ("rensa==0.5.0", "pyarrow==26.0.1"), "RMinHash; buckets and union-find in Python"),
    Peer(
        "datasketch",
        ("datasketch==2.0.0", "numpy==2.4.6", "pyarrow==26.0.1"),
        "MinHash affine32, MinHashLSH(params=(14, 8)); the first stays",
    ),
    Peer(
        "datatrove",
        (
            "datatrove[io,processing]==0.10.1",
            "torch==2.13.0",
            "spacy==3.8.18",
            "xxhash==3.8.2",
            "numpy==2.4.6",
            "pyarrow==26.0.1",
        ),
        "four stages, 64-bit hashes, default English tokenizer (spaCy)",
    ),
)


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
