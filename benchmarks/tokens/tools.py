"""Corpusmill and its peers as commands from a folder of documents to one of tokens, measured alike."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from benchmarks.environments import Peer
from benchmarks.pinned_run import THREAD_LIMITS, run_pinned
from benchmarks.surroundings import ROOT

RECIPES: Final = ROOT / "benchmarks/recipes"
SCRIPTS: Final = Path(__file__).parent / "peer_scripts"
ID_BYTES: Final = 2
"""Of the peers' files: both take uint16 for vocabularies of fewer than 65,536 ids."""

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
    "DocumentTokenizer and DocumentTokenizerMerger, shuffled; no packing",
    SCRIPTS / "run_datatrove.py",
)
MEGATRON: Final = Peer(
    "megatron",
    (
        "torch==2.13.0",
        "triton",
        "tokenizers==0.23.3",
        "transformers==5.23.0",
        "numpy",
        "einops",
        "packaging",
        "nltk",
        "pyyaml",
    ),
    "tools/preprocess_data.py --append-eod from one plain JSONL file; no packing",
    SCRIPTS / "run_megatron.py",
)

Json = dict[str, Any]  # Any: what json.dumps takes


@dataclass(frozen=True, slots=True)
class Tool:
    """Something that tokenizes."""

    name: str
    command: Callable[[Path, Path], Sequence[str]]
    """From the folder of documents and the output folder."""
    tokens: Callable[[Path], int]
    """Ids that are left, from the output folder."""
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a tool."""

    tokens: int
    cpu_seconds: float
    """Of the process tree, start-up included; of an engine alone, its calls."""
    wall_seconds: float | None = None
    peak_mb: float | None = None
    """Highest sum of proportional set sizes."""


def corpusmill(python: Path, name: str, tokenizer: Path, files: str = "*.parquet") -> Tool:
    """This checkout's code under `python`: text of the files of that pattern to packed rows."""

    def command(documents: Path, output: Path) -> Sequence[str]:
        sets = (f"sources.docs.paths=['{documents}/{files}']", f"packed.tokenize.tokenizer={tokenizer}")
        return corpusmill_run(python, "tokens", output, sets)

    def tokens(output: Path) -> int:
        (manifest,) = (json.loads(path.read_text()) for path in output.glob("steps/packed-*/manifest.json"))
        return sum(int(shard["counts"]["conserved_out"]) for shard in manifest["shards"])

    return Tool(name, command, tokens, {"PYTHONPATH": str(ROOT)})


def corpusmill_run(python: Path, recipe: str, output: Path, sets: Sequence[str]) -> list[str]:
    """The command that builds one of the benchmarks' recipes."""
    arguments = ["run", str(RECIPES / f"{recipe}.yaml"), "--runner", "local", "--output", str(output)]
    return [str(python), "-m", "jobs", *arguments, *(part for value in sets for part in ("--set", value))]


def peer_tool(peer: Peer, python: Path, name: str, ids: str, environment: Mapping[str, str]) -> Tool:
    """A peer in its environment; `ids` is the pattern of the files that hold what is left."""

    def command(documents: Path, output: Path) -> Sequence[str]:
        return [str(python), str(peer.script), str(documents), str(output)]

    def tokens(output: Path) -> int:
        return sum(path.stat().st_size for path in output.glob(ids)) // ID_BYTES

    return Tool(name, command, tokens, environment)


def run_once(tool: Tool, documents: Path, output: Path) -> Run:
    """From nothing."""
    usage = run_pinned(tool.name, tool.command(documents, output), output, tool.environment)
    found = Run(
        tool.tokens(output),
        round(usage.cpu_seconds, 2),
        round(usage.wall_seconds, 2),
        round(usage.peak_pss_bytes / 1e6, 1),
    )
    print(f"{documents.name}: {tool.name}: {_said(found)}", flush=True)
    return found


def run_engine(engine: str, tokenizer: Path, documents: Path) -> Run:
    """A library alone, on one core."""
    core = str(max(os.sched_getaffinity(0)))
    command = ["taskset", "-c", core, sys.executable, "-m", "benchmarks.tokens.bare"]
    limits = {**dict.fromkeys(THREAD_LIMITS, "1"), "TOKENIZERS_PARALLELISM": "false"}
    done = subprocess.run(
        [*command, engine, str(tokenizer), str(documents)],
        cwd=ROOT,
        env={**os.environ, **limits},
        stdout=subprocess.PIPE,
        check=True,
    )
    found = Run(**json.loads(done.stdout))
    print(f"{documents.name}: {engine} alone with {tokenizer.stem}: {_said(found)}", flush=True)
    return found


def _said(run: Run) -> str:
    load = os.getloadavg()[0]
    return f"{run.tokens} tokens, {run.cpu_seconds} CPU s, {_rate(run):.3f} million a CPU s, load {load:.1f}"


def _rate(run: Run) -> float:
    return run.tokens / 1e6 / run.cpu_seconds


def summary(runs: Sequence[Run]) -> Json:
    """The median of a tool's runs over a corpus."""
    ordered = sorted(runs, key=_rate)
    median = ordered[len(ordered) // 2]
    return {"mtok_per_cpu_s": round(_rate(median), 4), **asdict(median), "runs": [asdict(run) for run in runs]}
