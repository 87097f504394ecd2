"""Measures tokens on this machine: `python -m benchmarks.tokens.run` writes results/tokens.json.

Parts, each of which `--only` can name:

- speed: text in Parquet to packed rows of 4,096 ids, with gpt-neox-20b and with a BPE of 32,000 ids that is trained
  here; datatrove and Megatron-LM, which write ids and pack nothing, over every eighth document; and two libraries
  alone: fastokens, which does the work inside ours, and tokenizers, which the peers call. Peak memory over all
  documents is held against that over a quarter of them, and that over four times as many against it.
- packing: best-fit of a million lengths of real documents, beside OLMo-core's packer where OLMO_CORE names a checkout;
  benchmarks/tokens/packing.py.
- identity: whether ids are those of `tokenizers`; benchmarks/tokens/identity.py.

CPU seconds and memory are those of the process tree, start-up included, on one core. Megatron-LM's tool is no package:
the environment variable MEGATRON_LM names a checkout, or it is left out. Skips with exit code 0 and the reason where
the texts or tokenizers are not there.
"""

import argparse
import json
import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Final

from benchmarks.environments import NotInstalledError, Peer, install, own_environment
from benchmarks.real_text import missing
from benchmarks.surroundings import ROOT, machine, measured_now, versions
from benchmarks.tokens.corpus import FOLDERS, QUARTER, write_corpora
from benchmarks.tokens.identity import identity_figures
from benchmarks.tokens.packing import a_million, packing_figures, real_lengths
from benchmarks.tokens.tools import (
    DATATROVE,
    MEGATRON,
    Json,
    Run,
    Tool,
    corpusmill,
    corpusmill_run,
    peer_tool,
    run_engine,
    run_once,
    summary,
)
from operators.tokenize.reference import use_one_core

RESULT: Final = ROOT / "benchmarks/results/tokens.json"
NEOX: Final = ROOT.parent / "shared/data/tokenizers/gpt-neox-20b/tokenizer.json"
ROUNDS: Final = 5
QUICK_SIZE: Final = 8_000
QUICK_SECONDS: Final = 30
"""A tool that takes longer runs once."""
PACKAGES: Final = ("fastokens", "tokenizers", "pyarrow", "numba", "numpy", "pydantic")
ENGINES: Final = {"fastokens": "all", "tokenizers": "sample"}
"""Libraries alone, and the corpus that they see."""


def main() -> None:
    """The whole measurement, or the parts that are asked for; the others stay as the result's file has them."""
    options = _options()
    absent = missing(FOLDERS) + ([] if NEOX.is_file() else [str(NEOX)])
    if absent:
        print(f"benchmark tokens: skipped; expected texts and tokenizers in ../shared/data; missing {absent}")
        return
    target = options.work / "tokens-quick.json" if options.quick else RESULT
    earlier: Json = json.loads(target.read_text()) if target.is_file() and len(options.only) < len(MEASURES) else {}
    result: Json = {
        "machine": machine(),
        "versions": versions(PACKAGES),
        "settings": {"quick": options.quick, "cores": 1, "rounds": ROUNDS},
        **{part: earlier[part] for part in MEASURES if part in earlier},
    }
    for part in options.only:
        measured = MEASURES[part](options)
        result[part] = measured_now() | measured
    result["figures"] = _figures(result)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result["figures"], indent=1))
    print(f"written: {target}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.tokens.run", description="Measures tokens.")
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_SIZE} documents only")
    parser.add_argument("--only", nargs="+", choices=list(MEASURES), default=list(MEASURES), help="some parts only")
    parser.add_argument("--work", type=Path, default=ROOT / "runs/bench-tokens", help="folder for corpora and builds")
    parser.add_argument("--venvs", type=Path, help="folder for the peers' environments  [WORK/venvs]")
    options = parser.parse_args()
    options.work = options.work.resolve()
    options.venvs = (options.venvs or options.work / "venvs").resolve()
    return options


def _speed(options: argparse.Namespace) -> Json:
    whole, sample, fourfold = write_corpora(options.work / "corpora", QUICK_SIZE if options.quick else None)
    python = install(own_environment(), options.venvs)
    tokenizers = {"neox": NEOX, "bpe32k": _trained(python, options.work)}
    ours = [corpusmill(python, f"ours_{name}", path) for name, path in tokenizers.items()]
    ours.append(corpusmill(python, "ours_quarter", NEOX, QUARTER))
    on_fourfold = [corpusmill(python, "ours_fourfold", NEOX)]
    on_sample = [corpusmill(python, f"ours_sample_{name}", path) for name, path in tokenizers.items()]
    peers, states = _peers(options.venvs, tokenizers)
    runs: dict[str, list[Run]] = {}
    for tool in ours:  # compiles kernels
        run_once(tool, options.work / "corpora/sample", options.work / "builds/warm-up")
    for number in range(ROUNDS):
        for tools, corpus in ((ours, whole.name), (on_fourfold, fourfold.name), (on_sample + peers, sample.name)):
            for tool in tools:
                found = runs.setdefault(tool.name, [])
                if not number or (found[0].wall_seconds or 0) < QUICK_SECONDS:
                    found.append(run_once(tool, options.work / "corpora" / corpus, options.work / "builds" / tool.name))
        for engine, corpus in ENGINES.items():
            for name, path in tokenizers.items():
                found = runs.setdefault(f"{engine}_alone_{name}", [])
                if number and found[0].cpu_seconds > QUICK_SECONDS:
                    continue
                found.append(run_engine(engine, path, options.work / "corpora" / corpus))
    return {
        "corpus": asdict(whole),
        "sample": asdict(sample),
        "fourfold": asdict(fourfold),
        "peers": states,
        "tools": {name: summary(found) for name, found in runs.items()},
    }


def _trained(python: Path, work: Path) -> Path:
    """The tokenizer of 32,000 ids, trained on the sample."""
    output = work / "builds/tokenizer"
    shutil.rmtree(output, ignore_errors=True)
    sets = (f"sources.docs.paths=[{work}/corpora/sample/*.parquet]",)
    command = corpusmill_run(python, "train_tokenizer", output, sets)
    subprocess.run(command, check=True, env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.DEVNULL)
    (found,) = output.glob("steps/tokenizer-*/model/*tokenizer.json")
    target = work / "bpe32k.json"
    shutil.copy(found, target)
    return target


def _peers(venvs: Path, tokenizers: dict[str, Path]) -> tuple[list[Tool], Json]:
    """The peers that can be had here, with each tokenizer, and what became of each."""
    tools: list[Tool] = []
    states: Json = {}
    for peer, ids in ((DATATROVE, "merged/*.ds"), (MEGATRON, "*.bin")):
        states[peer.name] = {"requirements": peer.requirements, "method": peer.method}
        try:
            python = install(peer, venvs)
            needs = _needs(peer)
        except NotInstalledError as error:
            states[peer.name] |= {"skipped": str(error)}
            print(f"benchmark tokens: {peer.name}: skipped: {error}", flush=True)
            continue
        for name, path in tokenizers.items():
            environment = {"TOKENIZER": str(path), "TOKENIZERS_PARALLELISM": "false", **needs}
            tools.append(peer_tool(peer, python, f"{peer.name}_{name}", ids, environment))
    return tools, states


def _needs(peer: Peer) -> dict[str, str]:
    if peer is not MEGATRON:
        return {}
    checkout = os.environ.get("MEGATRON_LM", "")
    if not (Path(checkout) / "tools/preprocess_data.py").is_file():
        raise NotInstalledError("set MEGATRON_LM to a checkout of https://github.com/NVIDIA/Megatron-LM")
    return {"MEGATRON_LM": checkout}


def _packing(_options: argparse.Namespace) -> Json:
    checkout = os.environ.get("OLMO_CORE")
    return dict(packing_figures(a_million(real_lengths()), Path(checkout) if checkout else None))


def _identity(_options: argparse.Namespace) -> Json:
    use_one_core()
    return identity_figures()


MEASURES: Final[dict[str, Callable[[argparse.Namespace], Json]]] = {
    "speed": _speed,
    "packing": _packing,
    "identity": _identity,
}


def _figures(result: Json) -> Json:
    """The few numbers, flat; null where something was not measured."""
    tools = result.get("speed", {}).get("tools", {})

    def rate(name: str) -> float | None:
        return tools.get(name, {}).get("mtok_per_cpu_s")

    def ratio(one: str, other: str) -> float | None:
        above, below = rate(one), rate(other)
        return round(above / below, 3) if above and below else None

    packing, identity = result.get("packing", {}), result.get("identity", {})
    return {
        "ours_mtok_per_cpu_s": rate("ours_neox"),
        "datatrove_mtok_per_cpu_s": rate("datatrove_neox"),
        "megatron_mtok_per_cpu_s": rate("megatron_neox"),
        "tokenizers_alone_mtok_per_cpu_s": rate("tokenizers_alone_neox"),
        "engine_share": ratio("ours_neox", "fastokens_alone_neox"),
        "ours_bpe32k_mtok_per_cpu_s": rate("ours_bpe32k"),
        "datatrove_bpe32k_mtok_per_cpu_s": rate("datatrove_bpe32k"),
        "megatron_bpe32k_mtok_per_cpu_s": rate("megatron_bpe32k"),
        "engine_share_bpe32k": ratio("ours_bpe32k", "fastokens_alone_bpe32k"),
        "ours_to_datatrove": ratio("ours_neox", "datatrove_neox"),
        "ours_to_datatrove_bpe32k": ratio("ours_bpe32k", "datatrove_bpe32k"),
        "peak_memory_4x": _growth(tools.get("ours_fourfold"), tools.get("ours_neox")),
        "peak_memory_of_a_quarter_4x": _growth(tools.get("ours_neox"), tools.get("ours_quarter")),
        "differing_documents": identity.get("differing_documents"),
        "padding_2048": packing.get("padding_2048"),
        "padding_4096": packing.get("padding_4096"),
        "padding_8192": packing.get("padding_8192"),
        "pack_seconds_1m": packing.get("pack_seconds_1m"),
    }


def _growth(fourfold: Json | None, once: Json | None) -> float | None:
    """Peak memory over four times the documents, as a ratio."""
    return round(fourfold["peak_mb"] / once["peak_mb"], 3) if fourfold and once else None


if __name__ == "__main__":
    main()
