"""Measures near-duplicate removal on this machine: `python -m benchmarks.dedup.run`.

Writes results/dedup.json, and from it the tables of docs/scale.md. Parts, each of which `--only` can name:

- speed: corpusmill and its peers over 10,000 and 100,000 documents with planted near-duplicates: CPU seconds, MB of
  text per CPU second, peak memory, and recall and precision by the truth table. Peers that cannot be installed are left
  out, with the reason; slow ones see the smaller corpus alone.
- growth: corpusmill over 10,000, 100,000 and 1,000,000 short documents.
- hot_bucket: corpusmill with a bucket that a fifth of all documents share, and without.
- gold: shares of real pairs that meet in a bucket, against probability theory.
- signatures: the kernel alone, by language; measured by benchmarks/kernels/signatures.py.

CPU seconds and memory are those of the process tree, start-up included, on one core; MB are 10^6 UTF-8 bytes of text.
A run over 10,000 documents comes first, so that no run compiles kernels. Skips with exit code 0 and the reason where
the texts for the corpora are not there.
"""

import argparse
import json
import math
import subprocess
import sys
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import Final

import pyarrow.parquet as pq

from benchmarks.dedup import gold
from benchmarks.dedup.corpus import TRUTH, Corpus, Settings, write_corpus
from benchmarks.dedup.growth import measure_growth, measure_hot_bucket
from benchmarks.dedup.hot_bucket import write_twins
from benchmarks.dedup.peers import PEERS
from benchmarks.dedup.prose import FOLDERS, Prose, read_prose
from benchmarks.dedup.scale import RESULT, write_page
from benchmarks.dedup.speed import compare
from benchmarks.dedup.tools import Json, Tool, corpusmill, documents_of, peer_tool, run_once
from benchmarks.dedup.unplanted import most_similar
from benchmarks.environments import NotInstalledError, install, own_environment
from benchmarks.surroundings import ROOT, machine, measured_now, versions

SHARED: Final = ROOT.parent / "shared/data"
PARTS: Final = ("speed", "growth", "hot_bucket", "gold", "signatures")
SIGNATURES: Final = ROOT / "benchmarks/kernels/signatures.py"

MEAN_PIECES: Final = 480
"""Of originals; about 4 KB."""
SHORT_PIECES: Final = 100
TINY: Final = 200
UNPLANTED_LIMIT: Final = 0.4
"""Documents that nobody planted must be less similar."""
PACKAGES: Final = ("pyarrow", "numba", "numpy", "xxhash", "zstandard", "pydantic")


def main() -> None:
    """The whole measurement, or the parts that are asked for."""
    options = _options()
    missing = [str(SHARED / "text" / name) for name in FOLDERS if not (SHARED / "text" / name).exists()]
    if missing:
        print(f"benchmark dedup: skipped; expected texts for the corpora in ../shared/data; missing {missing}")
        return
    corpora = Corpora(options.work.resolve() / "corpora")
    builds = options.work.resolve() / "builds"
    hot, _ = corpora.twins(10_000)  # a large cluster reaches kernels that small ones do not
    ours = corpusmill(install(own_environment(), options.venvs))
    run_once(ours, hot, builds / "warm-up")
    result: Json = {
        "machine": machine(),
        "versions": versions(PACKAGES),
        **measured_now(),
        "settings": {"quick": options.quick, "parts": options.only, "cores": 1, "banding": "14 x 8, word 5-grams"},
    }
    if "speed" in options.only:
        result["speed"] = _speed(corpora, builds, options)
    if "growth" in options.only:
        sizes = [10_000] if options.quick else [10_000, 100_000, 1_000_000]
        result["growth"] = measure_growth(ours, corpora.short(TINY), [corpora.short(size) for size in sizes], builds)
    if "hot_bucket" in options.only:
        result["hot_bucket"] = measure_hot_bucket(ours, *corpora.twins(10_000 if options.quick else 100_000), builds)
    if "gold" in options.only and not gold.missing(SHARED):
        result["gold"] = [asdict(tenth) | {"deviation": round(tenth.deviation, 2)} for tenth in gold.tenths(SHARED)]
    if "signatures" in options.only:
        result["signatures"] = _signatures()
    result["figures"] = _figures(result)
    target = _target(options)
    if target == RESULT:
        write_page(result)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result["figures"], indent=1))
    print(f"written: {target}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.dedup.run", description="Measures near-duplicate removal."
    )
    parser.add_argument("--quick", action="store_true", help="10,000 documents only, and no peers")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), help="some parts only")
    parser.add_argument("--peers", nargs="*", choices=[peer.name for peer in PEERS], help="some peers only")
    parser.add_argument("--work", type=Path, default=ROOT / "runs/bench-dedup", help="folder for corpora and builds")
    parser.add_argument("--venvs", type=Path, help="folder for the peers' environments  [WORK/venvs]")
    parser.add_argument("--result", type=Path, help="file for the result")
    options = parser.parse_args()
    options.venvs = (options.venvs or options.work / "venvs").resolve()
    return options


class Corpora:
    """The corpora, written when they are first asked for; the stream of words is read only if one must be written."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @cached_property
    def _prose(self) -> Prose:
        print("reading prose ...", flush=True)
        return read_prose(SHARED / "text")

    def planted(self, documents: int) -> Corpus:
        """Documents of usual length, with the truth about them."""
        return self._written(f"{documents // 1000}k", Settings(documents, MEAN_PIECES))

    def short(self, documents: int) -> Corpus:
        """Short documents, many of which can be had."""
        return self._written(f"short-{documents}", Settings(documents, SHORT_PIECES, with_truth=False))

    def twins(self, documents: int) -> tuple[Path, Path]:
        """With a hot bucket, and without."""
        return write_twins(lambda: self._prose, self._folder / f"twins-{documents}", documents)

    def _written(self, name: str, settings: Settings) -> Corpus:
        return write_corpus(lambda: self._prose, self._folder / name, settings)


def _speed(corpora: Corpora, builds: Path, options: argparse.Namespace) -> Json:
    sizes = [10_000] if options.quick else [10_000, 100_000]
    chosen = [corpora.planted(size) for size in sizes]
    unplanted = _most_similar_unplanted(chosen[0])
    python = install(own_environment(), options.venvs)
    unverified = corpusmill(python, "ours_unverified", overrides=["near.verify=off"], verify_at=0.0)
    calibrated = corpusmill(python, "ours_calibrated", overrides=["near.calibration_pairs=10000"])
    tools = [corpusmill(python), unverified, calibrated]
    peers: Json = {}
    if not options.quick:
        found, peers = _peers(options)
        tools += found
    return {"unplanted_jaccard_at_most": unplanted, "peers": peers, "corpora": compare(tools, chosen, builds)}


def _peers(options: argparse.Namespace) -> tuple[list[Tool], Json]:
    """The peers that could be installed, and what became of each."""
    tools, states = [], {}
    for peer in PEERS:
        if options.peers is not None and peer.name not in options.peers:
            continue
        states[peer.name] = {"requirements": peer.requirements, "method": peer.method}
        try:
            tools.append(peer_tool(peer, install(peer, options.venvs)))
        except NotInstalledError as error:
            states[peer.name] |= {"skipped": str(error)}
            print(f"benchmark dedup: {peer.name}: skipped: {error}", flush=True)
    return tools, states


def _most_similar_unplanted(corpus: Corpus) -> float:
    """The highest similarity that the truth table does not know; exits where it is too high."""
    texts = pq.read_table(documents_of(corpus), columns=["text"])["text"].to_pylist()
    truth = pq.read_table(corpus.path / TRUTH)
    pairs = zip(truth["original"].to_pylist(), truth["copy"].to_pylist(), strict=True)
    found = most_similar(
        texts, {(min(pair), max(pair)) for pair in (tuple(int(name[1:]) for name in p) for p in pairs)}
    )
    if found.jaccard >= UNPLANTED_LIMIT:
        raise SystemExit(
            f"benchmark dedup: {corpus.path}: expected unplanted pairs below {UNPLANTED_LIMIT}; found documents "
            f"{found.one} and {found.other} at {found.jaccard:.2f}"
        )
    return round(found.jaccard, 3)


def _signatures() -> Json | None:
    if not SIGNATURES.is_file():
        return None
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.kernels.signatures"], cwd=ROOT, stdout=subprocess.PIPE, check=True
    )
    found: Json = json.loads(done.stdout)
    return found


def _figures(result: Json) -> Json:
    """The few numbers, flat; null where something was not measured."""
    corpora = result.get("speed", {}).get("corpora", {})

    def of(tool: str, *path: str) -> float | None:
        """From the largest corpus that the tool saw."""
        found = next((corpus["tools"][tool] for corpus in reversed(corpora.values()) if tool in corpus["tools"]), None)
        for name in path:
            found = None if found is None else found[name]
        return found

    signatures = result.get("signatures") or {}
    growth = result.get("growth", {}).get("exponent", math.nan)
    return {
        **{f"{tool}_mb_per_cpu_s": of(tool, "mb_per_cpu_s") for tool in ("ours", *(peer.name for peer in PEERS))},
        "recall": of("ours", "quality", "recall"),
        "recall_expected": of("ours", "quality", "recall_expected"),
        "precision": of("ours", "quality", "precision"),
        "peak_mb": of("ours", "peak_mb"),
        "growth_exponent": None if math.isnan(growth) else growth,
        **{f"signature_mb_per_s_{name}": signatures.get(f"signature_mb_per_s_{name}") for name in _LANGUAGES},
    }


_LANGUAGES: Final = ("en", "zh", "ko", "code")


def _target(options: argparse.Namespace) -> Path:
    """The result's file: the project's own only for a whole measurement."""
    whole = not options.quick and set(options.only) == set(PARTS) and options.peers is None
    found: Path = options.result or (RESULT if whole else options.work / "dedup.json")
    return found


if __name__ == "__main__":
    main()
