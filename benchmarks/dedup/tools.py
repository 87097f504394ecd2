"""Corpusmill and its peers as commands from a folder of Parquet files to one of what is left, measured alike.

One core, start-up of the process included, threads of libraries limited to one.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from benchmarks.dedup.corpus import DOCUMENTS, Corpus
from benchmarks.dedup.score import surviving_ids
from benchmarks.environments import Peer
from benchmarks.pinned_run import run_pinned
from benchmarks.surroundings import ROOT

RECIPE: Final = ROOT / "benchmarks/recipes/dedup.yaml"
VERIFY_AT: Final = 0.7
"""What corpusmill asks for by default, beside a shared bucket."""

Json = dict[str, Any]  # Any: what json.dumps takes


@dataclass(frozen=True, slots=True)
class Tool:
    """Something that deduplicates."""

    name: str
    command: Callable[[Path, Path], Sequence[str]]
    """From the folder of documents and the output folder."""
    survivors: Callable[[Path], pa.Array]
    """The ids that are left, from the output folder."""
    steps: Callable[[Path], Json]
    """Seconds, rows and stored bytes of each of its steps, from the output folder; empty where it does not say."""
    verify_at: float = 0.0
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
    steps: Json


def corpusmill(
    python: Path, name: str = "ours", *, overrides: Sequence[str] = (), verify_at: float = VERIFY_AT
) -> Tool:
    """This checkout's code under `python`: the recipe of the benchmark, with fields of it set otherwise."""

    def command(documents: Path, output: Path) -> Sequence[str]:
        sets = [f"sources.docs.paths=[{documents}/*.parquet]", *overrides]
        arguments = ["run", str(RECIPE), "--runner", "local", "--output", str(output)]
        return [str(python), "-m", "jobs", *arguments, *(part for value in sets for part in ("--set", value))]

    def survivors(output: Path) -> pa.Array:
        (data,) = output.glob("steps/clean-*/data")
        return surviving_ids(data, "input_id")

    return Tool(name, command, survivors, _steps, verify_at, {"PYTHONPATH": str(ROOT)})


def peer_tool(peer: Peer, python: Path) -> Tool:
    """A peer in its environment."""

    def command(documents: Path, output: Path) -> Sequence[str]:
        return [str(python), str(peer.script), str(documents), str(output)]

    return Tool(peer.name, command, lambda output: surviving_ids(output, "id"), lambda _: {})


def run_once(tool: Tool, documents: Path, output: Path) -> Run:
    """From nothing."""
    usage = run_pinned(tool.name, tool.command(documents, output), output, tool.environment)
    return Run(
        round(usage.cpu_seconds, 2),
        round(usage.wall_seconds, 2),
        round(usage.peak_pss_bytes / 1e6, 1),
        usage.cpu_method,
        tool.steps(output),
    )


def documents_of(corpus: Corpus) -> Path:
    """The folder that tools read."""
    return corpus.path / DOCUMENTS


def described(corpus: Corpus) -> Json:
    """A corpus without its place."""
    return {name: value for name, value in asdict(corpus).items() if name != "folder"}


def _steps(output: Path) -> Json:
    """Seconds are those between a step's first and last event: steps do not overlap."""
    events = [json.loads(line) for line in (output / "logs/events.jsonl").read_text().splitlines()]
    begun, ended = (
        {event["step"]: event["seconds"] for event in events if event["kind"] == kind}
        for kind in ("step_started", "step_finished")
    )
    found = {}
    for path in output.glob("steps/*/manifest.json"):
        manifest = json.loads(path.read_text())
        files = [file for shard in manifest["shards"] for file in shard["files"].values()]
        found[manifest["step"]] = {
            "seconds": round(ended[manifest["step"]] - begun[manifest["step"]], 3),
            "rows": sum(file["num_rows"] for file in files),
            "bytes": sum(file["num_bytes"] for file in files),
        }
    return found
