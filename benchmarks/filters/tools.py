"""Corpusmill and its peers as commands from a folder of Parquet files to one of what is left, measured alike."""

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import pyarrow.parquet as pq

from benchmarks.environments import Peer
from benchmarks.filters.corpus import Corpus
from benchmarks.pinned_run import run_pinned
from benchmarks.surroundings import ROOT
from operators.language import language_id

RECIPES: Final = ROOT / "benchmarks/recipes"
SCRIPTS: Final = Path(__file__).parent / "peer_scripts"
LID_MODEL: Final = Path(language_id.__file__).with_name("lid.176.ftz")

DATATROVE: Final = Peer(
    "datatrove",
    (
        "datatrove[io,processing]==0.10.1",
        "torch==2.13.0",
        "spacy==3.8.18",
        "xxhash==3.8.2",
        "numpy==2.4.6",
        "pyarrow==26.0.1",
    ),
    "LanguageFilter, GopherRepetition, GopherQuality, C4Quality (no terminal punctuation rule), FineWebQuality",
    SCRIPTS / "run_datatrove.py",
)
CURATOR: Final = Peer(
    "curator",
    ("torch==2.13.0", "nemo-curator[text_cpu]==1.4.0", "fasttext==0.9.3"),
    "FastTextLangId and the English heuristic filters that it ships, driven in one process without Ray",
    SCRIPTS / "run_curator.py",
)

Json = dict[str, Any]  # Any: what json.dumps takes


@dataclass(frozen=True, slots=True)
class Tool:
    """Something that filters."""

    name: str
    command: Callable[[Path, Path], Sequence[str]]
    """From the folder of documents and the output folder."""
    kept: Callable[[Path], int]
    """Documents that are left, from the output folder."""
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a tool."""

    cpu_seconds: float
    """Of the process tree."""
    wall_seconds: float
    peak_mb: float
    """Highest sum of proportional set sizes."""
    cpu_method: str
    kept: int


def corpusmill(python: Path, name: str = "ours", *, recipe: str = "filters", overrides: Sequence[str] = ()) -> Tool:
    """This checkout's code under `python`: a recipe of the benchmarks, with fields of it set otherwise."""

    def command(documents: Path, output: Path) -> Sequence[str]:
        sets = [f"sources.docs.paths=[{documents}/*.parquet]", *overrides]
        arguments = ["run", str(RECIPES / f"{recipe}.yaml"), "--runner", "local", "--output", str(output)]
        return [str(python), "-m", "jobs", *arguments, *(part for value in sets for part in ("--set", value))]

    def kept(output: Path) -> int:
        (manifest,) = (json.loads(path.read_text()) for path in output.glob("steps/filtered-*/manifest.json"))
        return sum(int(shard["counts"]["rows_kept"]) for shard in manifest["shards"])

    return Tool(name, command, kept, {"PYTHONPATH": str(ROOT)})


def peer_tool(peer: Peer, python: Path, name: str | None = None, **environment: str) -> Tool:
    """A peer in its environment."""

    def command(documents: Path, output: Path) -> Sequence[str]:
        return [str(python), str(peer.script), str(documents), str(output)]

    def kept(output: Path) -> int:
        return sum(pq.ParquetFile(path).metadata.num_rows for path in output.rglob("*.parquet"))

    return Tool(name or peer.name, command, kept, {"LID_MODEL": str(LID_MODEL), **environment})


def run_once(tool: Tool, documents: Path, output: Path) -> Run:
    """From nothing."""
    usage = run_pinned(tool.name, tool.command(documents, output), output, tool.environment)
    found = Run(
        round(usage.cpu_seconds, 2),
        round(usage.wall_seconds, 2),
        round(usage.peak_pss_bytes / 1e6, 1),
        usage.cpu_method,
        tool.kept(output),
    )
    print(
        f"{documents.name}: {tool.name}: {found.cpu_seconds} CPU s, {found.kept} kept, load {os.getloadavg()[0]:.1f}",
        flush=True,
    )
    return found


def summary(corpus: Corpus, runs: Sequence[Run]) -> Json:
    """Medians of a tool's runs over a corpus."""
    ordered = sorted(runs, key=lambda run: run.cpu_seconds)
    median = ordered[len(ordered) // 2]
    return {
        "mb_per_cpu_s": round(corpus.text_bytes / 1e6 / median.cpu_seconds, 3),
        "cpu_seconds": median.cpu_seconds,
        "peak_mb": median.peak_mb,
        "kept": median.kept,
        "runs": [asdict(run) for run in runs],
    }
