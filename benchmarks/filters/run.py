"""Measures language identification and heuristic filters on this machine: `python -m benchmarks.filters.run`.

Writes results/filters.json. Parts, each of which `--only` can name:

- speed: FineWeb's chain over 50,000 real documents, Parquet in and out: corpusmill with spaCy-like and with whitespace
  words, datatrove with spaCy's and with whitespace words, NeMo Curator's own chain in one process. The others see a
  quarter of the documents, in drawn order; all of them would take datatrove a quarter of an hour or more.
- parts: what each operator of that chain costs, and of the chain for Chinese.
- fasttext: the inference kernel beside fasttext.predict; measured by benchmarks/kernels/fasttext.py.
- conformance: decisions and statistics beside datatrove's; measured by benchmarks/conformance.

CPU seconds and memory are those of the process tree, start-up included, on one core; MB are 10^6 UTF-8 bytes of text.
Skips with exit code 0 and the reason where the texts are not there.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Final

from benchmarks.environments import NotInstalledError, Peer, install, own_environment
from benchmarks.filters.corpus import FOLDERS, Corpus, write_chinese, write_mixed, write_quarter
from benchmarks.filters.parts import measure_parts
from benchmarks.filters.tools import (
    CURATOR,
    DATATROVE,
    RECIPES,
    Json,
    Run,
    Tool,
    corpusmill,
    peer_tool,
    run_once,
    summary,
)
from benchmarks.real_text import missing
from benchmarks.surroundings import ROOT, machine, measured_now, versions

RESULT: Final = ROOT / "benchmarks/results/filters.json"
PARTS: Final = ("speed", "parts", "fasttext", "conformance")
SIZE: Final = 50_000
QUICK_SIZE: Final = 5_000
ROUNDS: Final = 3
QUICK_SECONDS: Final = 60
"""A tool that takes longer runs once."""
PACKAGES: Final = ("pyarrow", "numba", "numpy", "fasttext-numpy2", "pydantic")
WHITESPACE: Final = (
    "filtered.gopher_repetition.word_unit=whitespace",
    "filtered.gopher_quality.word_unit=whitespace",
    "filtered.c4_quality.sentence_unit=terminal",
    "filtered.c4_quality.allow_other_unit=true",
    "filtered.fineweb_quality.word_unit=whitespace",
    "filtered.fineweb_quality.allow_other_unit=true",
)


def main() -> None:
    """The whole measurement, or the parts that are asked for; the others stay as the result's file has them."""
    options = _options()
    absent = missing(FOLDERS)
    if absent:
        print(f"benchmark filters: skipped; expected texts in ../shared/data/text; missing {absent}")
        return
    target = options.result or (options.work / "filters-quick.json" if options.quick else RESULT)
    earlier: Json = json.loads(target.read_text()) if target.is_file() and len(options.only) < len(PARTS) else {}
    result: Json = {
        "machine": machine(),
        "versions": versions(PACKAGES),
        "settings": {"quick": options.quick, "cores": 1},
        **{part: earlier[part] for part in PARTS if part in earlier},
    }
    for part in options.only:
        measured = MEASURES[part](options)
        result[part] = measured_now() | measured
    result["figures"] = _figures(result)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result["figures"], indent=1))
    print(f"written: {target}")


def _speed(options: argparse.Namespace) -> Json:
    corpora, builds = options.work / "corpora", options.work / "builds"
    mixed, chinese = _corpora(options)
    quarter = write_quarter(corpora / "mixed", corpora / "quarter")
    ours, others, peers = _tools(options)
    runs = _rounds(ours, corpora / "mixed", builds)
    other_runs = _rounds(others, corpora / "quarter", builds)
    chinese_runs = _rounds(_chinese(options), corpora / "chinese", builds)
    return {
        "corpus": _described(mixed),
        "quarter": _described(quarter),
        "chinese": _described(chinese),
        "peers": peers,
        "tools": {name: summary(mixed, found) for name, found in runs.items()}
        | {name: summary(quarter, found) for name, found in other_runs.items()}
        | {name: summary(chinese, found) for name, found in chinese_runs.items()},
    }


def _parts(options: argparse.Namespace) -> Json:
    corpora = options.work / "corpora"
    _corpora(options)
    return {
        "treebank": measure_parts(RECIPES / "filters.yaml", corpora / "mixed"),
        "whitespace": measure_parts(RECIPES / "filters.yaml", corpora / "mixed", WHITESPACE),
        "chinese": measure_parts(RECIPES / "filters_chinese.yaml", corpora / "chinese"),
    }


def _fasttext(_options: argparse.Namespace) -> Json:
    return _json_of("benchmarks.kernels.fasttext")


def _conformance(options: argparse.Namespace) -> Json:
    folder = options.work / "conformance"
    return _json_of("benchmarks.conformance.run", "--work", str(folder), "--venvs", str(options.venvs))


MEASURES: Final = {"speed": _speed, "parts": _parts, "fasttext": _fasttext, "conformance": _conformance}


def _corpora(options: argparse.Namespace) -> tuple[Corpus, Corpus]:
    """The mixed corpus and the Chinese one."""
    corpora = options.work / "corpora"
    return write_mixed(corpora / "mixed", QUICK_SIZE if options.quick else SIZE), write_chinese(corpora / "chinese")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.filters.run", description="Measures language identification and heuristic filters."
    )
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_SIZE} documents only, and no peers")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), help="some parts only")
    parser.add_argument("--work", type=Path, default=ROOT / "runs/bench-filters", help="folder for corpora and builds")
    parser.add_argument("--venvs", type=Path, help="folder for the peers' environments  [WORK/venvs]")
    parser.add_argument("--result", type=Path, help="file for the result")
    options = parser.parse_args()
    options.work = options.work.resolve()
    options.venvs = (options.venvs or options.work / "venvs").resolve()
    return options


def _tools(options: argparse.Namespace) -> tuple[list[Tool], list[Tool], Json]:
    """What runs over the mixed corpus, what over its quarter, and what became of each peer."""
    python = install(own_environment(), options.venvs)
    ours = [corpusmill(python), corpusmill(python, "ours_whitespace", overrides=WHITESPACE)]
    others = [corpusmill(python, "ours_quarter")]
    states: Json = {}
    if options.quick:
        return ours, others, states
    for peer, make in ((CURATOR, _curator), (DATATROVE, _datatrove)):
        states[peer.name] = {"requirements": peer.requirements, "method": peer.method}
        try:
            others += make(peer, install(peer, options.venvs))
        except NotInstalledError as error:
            states[peer.name] |= {"skipped": str(error)}
            print(f"benchmark filters: {peer.name}: skipped: {error}", flush=True)
    return ours, others, states


def _datatrove(peer: Peer, python: Path) -> Iterator[Tool]:
    yield peer_tool(peer, python, WORDS="spacy")
    yield peer_tool(peer, python, "datatrove_whitespace", WORDS="whitespace")


def _curator(peer: Peer, python: Path) -> Iterator[Tool]:
    yield peer_tool(peer, python)


def _chinese(options: argparse.Namespace) -> list[Tool]:
    """MAP-NEO's and FineWeb-2's rules over Chinese, with jieba's words."""
    return [corpusmill(install(own_environment(), options.venvs), "ours_chinese", recipe="filters_chinese")]


def _rounds(tools: list[Tool], documents: Path, builds: Path) -> dict[str, list[Run]]:
    """All tools once, then the quick ones again: what else happens on the machine meets all of them."""
    runs: dict[str, list[Run]] = {tool.name: [] for tool in tools}
    ours = [tool for tool in tools if tool.name.startswith("ours")]
    for tool in ours:  # compiles kernels
        run_once(tool, documents, builds / "warm-up")
    for number in range(ROUNDS):
        for tool in tools:
            if number and runs[tool.name][0].wall_seconds > QUICK_SECONDS:
                continue
            runs[tool.name].append(run_once(tool, documents, builds / f"{tool.name}"))
    return runs


def _described(corpus: Corpus) -> Json:
    return asdict(corpus)


def _json_of(module: str, *arguments: str) -> Json:
    done = subprocess.run([sys.executable, "-m", module, *arguments], cwd=ROOT, stdout=subprocess.PIPE, check=True)
    found: Json = json.loads(done.stdout)
    return found


def _figures(result: Json) -> Json:
    """The few numbers, flat; null where something was not measured."""
    tools = result.get("speed", {}).get("tools", {})

    def rate(name: str) -> float | None:
        return tools.get(name, {}).get("mb_per_cpu_s")

    parts = result.get("parts", {})
    fasttext = result.get("fasttext", {})
    figures: Json = {
        "ours_mb_per_cpu_s": rate("ours"),
        "ours_whitespace_mb_per_cpu_s": rate("ours_whitespace"),
        "ours_chinese_mb_per_cpu_s": rate("ours_chinese"),
        "datatrove_mb_per_cpu_s": rate("datatrove"),
        "datatrove_whitespace_mb_per_cpu_s": rate("datatrove_whitespace"),
        "curator_mb_per_cpu_s": rate("curator"),
        "statistics_mb_per_s": _statistics_rate(parts.get("treebank")),
        "statistics_whitespace_mb_per_s": _statistics_rate(parts.get("whitespace")),
        "fasttext_speedup_lid": fasttext.get("fasttext_speedup_lid"),
        "fasttext_speedup_quality": fasttext.get("fasttext_speedup_quality"),
    }
    return figures | result.get("conformance", {}).get("figures", {})


def _statistics_rate(measured: Json | None) -> float | None:
    """MB that go through both scans of Gopher's rule sets in a second: that of lines and characters, and of words."""
    if measured is None:
        return None
    found = [part["mb_per_s"] for part in measured["parts"] if part["is_derived"]]
    return round(1 / sum(1 / rate for rate in found[:2]), 1) if found else None


if __name__ == "__main__":
    main()
