"""Measures the spine of the project on this machine: `python -m benchmarks.spine` writes results/spine.json.

One recipe (recipes/spine.yaml: every operator of the spine) is built on Ray with `WORKERS` workers, each time in a new
folder, over real documents and over 2 and 4 times as many different documents (see variants.py). The medians of
`RUNS_AT_1X` runs stand for 1x; 2x and 4x run once. Definitions:

- seconds, CPU seconds and memory are those of the whole process tree, Ray's daemons and start-up included
  (process_tree.py says how that is found out);
- MB are 10^6 UTF-8 bytes of input text, decompressed; documents are input documents;
- memory for each worker is the peak of the tree divided by the workers;
- a run on a few documents comes first, so that no run compiles kernels;
- `demo_seconds` is the time of `make demo` after `make setup`; null where there is no such target or it was left out.

Also writes results/spine-profile.txt: the build at 1x in one process, under a profiler. Skips with exit code 0 and the
reason where the corpus is not there.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Final

from benchmarks.process_tree import Usage, measure
from benchmarks.surroundings import machine, measured_now, versions
from benchmarks.variants import FOLDERS, Corpus, write_corpus
from jobs.cli import app

ROOT: Final = Path(__file__).resolve().parents[1]
RECIPES: Final = ROOT / "benchmarks/recipes"
RESULTS: Final = ROOT / "benchmarks/results"
SHARED: Final = ROOT.parent / "shared/data"
TOKENIZER: Final = "tokenizers/gpt2/tokenizer.json"

WORKERS: Final = 2
RUNS_AT_1X: Final = 3
WARM_UP_DOCUMENTS: Final = 200
"""Of each input folder: enough for some documents to reach every step."""
PACKAGES: Final = ("ray", "pyarrow", "numba", "numpy", "tokenizers", "fasttext-numpy2", "zstandard", "pydantic")

Json = dict[str, Any]  # Any: what json.dumps takes


def main() -> None:
    """The whole measurement."""
    options = _options()
    missing = [
        str(path) for path in (*(SHARED / "text" / name for name in FOLDERS), SHARED / TOKENIZER) if not path.exists()
    ]
    if missing:
        print(f"benchmark spine: skipped; expected the corpus and a tokenizer in ../shared/data; missing {missing}")
        return
    demo_seconds = _demo_seconds() if options.demo and options.limit is None else None
    work: Path = options.work.resolve()
    model = _model(work)
    warm_up = write_corpus(SHARED / "text", work / "corpus-warm-up", 1, WARM_UP_DOCUMENTS)
    _build(warm_up, model, work / "warm-up")

    scales = {}
    corpora = []
    for copies in options.scales:
        name = f"corpus-{copies}x" if options.limit is None else f"corpus-{copies}x-{options.limit}"
        corpus = write_corpus(SHARED / "text", work / name, copies, options.limit)
        runs = [_build(corpus, model, work / f"run-{copies}x") for _ in range(options.runs if copies == 1 else 1)]
        scales[f"{copies}x"] = _scale(corpus, runs)
        corpora.append(Path(corpus.folder))
        print(f"{copies}x: {json.dumps(scales[f'{copies}x']['median'])}")
    growth = _growth(scales)
    result = {
        "machine": machine(),
        "versions": versions(PACKAGES),
        **measured_now(),
        "settings": {"workers": WORKERS, "runner": "ray", "runs_at_1x": options.runs, "limit": options.limit},
        "corpus": list(FOLDERS),
        "growth": growth,
        "scales": scales,
        "figures": _figures(scales) | {"demo_seconds": demo_seconds},
    }
    options.result.parent.mkdir(parents=True, exist_ok=True)
    options.result.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps({"growth": growth, "figures": result["figures"]}, indent=1))
    if options.profile:
        _profile(corpora[0], model, work / "run-profile", options.result.with_name("spine-profile.txt"))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.spine", description="Measures the spine of the project."
    )
    parser.add_argument("--limit", type=int, help="documents of each input folder, for trying the benchmark out")
    parser.add_argument("--scales", type=int, nargs="+", default=[1, 2, 4], help="copies of the corpus  [1 2 4]")
    parser.add_argument("--runs", type=int, default=RUNS_AT_1X, help=f"runs at 1x  [{RUNS_AT_1X}]")
    parser.add_argument("--no-profile", dest="profile", action="store_false", help="leave the profile out")
    parser.add_argument("--no-demo", dest="demo", action="store_false", help="leave `make demo` out")
    parser.add_argument("--work", type=Path, default=ROOT / "runs/spine", help="folder for corpora and builds")
    parser.add_argument("--result", type=Path, default=RESULTS / "spine.json", help="file for the result")
    return parser.parse_args()


def _model(work: Path) -> Path:
    """The classifier for the quality step, trained once."""
    model = work / "model.bin"
    if not model.is_file():
        output = work / "model-run"
        recipe = str(RECIPES / "spine_model.yaml")
        app(["run", recipe, "--output", str(output), "--runner", "local"], standalone_mode=False)
        (found,) = output.glob("steps/model-*/model/*-model.bin")
        shutil.copyfile(found, model)
    return model


def _overrides(corpus: Path, model: Path) -> list[str]:
    return [
        f"sources.docs.paths=[{corpus}/*.jsonl.zst]",
        f"quality.model={model}",
        f"tokens.tokenize.tokenizer={SHARED / TOKENIZER}",
    ]


def _build(corpus: Corpus, model: Path, output: Path) -> Json:
    """One build from nothing, and what it took."""
    shutil.rmtree(output, ignore_errors=True)
    command = [sys.executable, "-m", "jobs", "run", str(RECIPES / "spine.yaml"), "--output", str(output), "--json"]
    command += ["--runner", "ray", "--workers", str(WORKERS)]
    for override in _overrides(Path(corpus.folder), model):
        command += ["--set", override]
    # A cluster that happens to run here must not be joined, and a token file that an earlier Ray left must not matter.
    environment = {name: value for name, value in os.environ.items() if name != "RAY_ADDRESS"}
    environment |= {"RAY_AUTH_MODE": "disabled", "PYTHONPATH": str(ROOT)}
    log = output.with_name(f"{output.name}.log")
    usage = measure(command, environment=environment, log=log, directory=ROOT)
    if usage.return_code or usage.left_over:
        raise SystemExit(
            f"benchmark spine: {output.name}: expected exit code 0 and no process left; found code {usage.return_code} "
            f"and {usage.left_over} processes; see {log}"
        )
    usage = replace(usage, wall_seconds=round(usage.wall_seconds, 2), cpu_seconds=round(usage.cpu_seconds, 2))
    return {"usage": asdict(usage), **_rates(corpus, usage), "seconds_of": _step_seconds(output), **_rows(log)}


def _rates(corpus: Corpus, usage: Usage) -> Json:
    return {
        "docs_per_s": round(corpus.documents / usage.wall_seconds, 1),
        "mb_per_cpu_s": round(corpus.text_bytes / 1e6 / usage.cpu_seconds, 4),
        "peak_mb_per_worker": round(usage.peak_pss_bytes / 1e6 / WORKERS, 1),
    }


def _step_seconds(output: Path) -> dict[str, float]:
    """Wall seconds of each step; they do not overlap. Ray's start falls into the first."""
    events = [json.loads(line) for line in (output / "logs/events.jsonl").read_text().splitlines()]
    begun = {event["step"]: event["seconds"] for event in events if event["kind"] == "step_started"}
    ended = {event["step"]: event["seconds"] for event in events if event["kind"] == "step_finished"}
    return {step: round(ended[step] - begun[step], 2) for step in ended}


def _rows(log: Path) -> Json:
    """Counts from the command's JSON, which follows its progress lines in the log."""
    text = log.read_text()
    counts = json.loads(text[text.index("\n{\n") :])
    return {name: counts[name] for name in ("rows_in", "rows_kept", "tokens_packed")}


def _scale(corpus: Corpus, runs: list[Json]) -> Json:
    names = ("docs_per_s", "mb_per_cpu_s", "peak_mb_per_worker", "rows_in", "rows_kept", "tokens_packed")
    median = {name: statistics.median(run[name] for run in runs) for name in names}
    median |= {name: statistics.median(run["usage"][name] for run in runs) for name in ("wall_seconds", "cpu_seconds")}
    described = {name: value for name, value in asdict(corpus).items() if name != "folder"}
    return {"corpus": described, "median": median, "runs": runs}


def _growth(scales: Json) -> Json:
    """By how much each scale exceeds the smallest: input, and rows and tokens that reach the last step."""
    first = next(iter(scales.values()))["median"]
    names = ("rows_in", "rows_kept", "tokens_packed", "cpu_seconds")
    return {
        scale: {name: round(found["median"][name] / first[name], 3) for name in names}
        for scale, found in scales.items()
    }


def _figures(scales: Json) -> Json:
    def figure(scale: str, name: str) -> float | None:
        return scales[scale]["median"][name] if scale in scales else None

    return {
        "ours_docs_per_s": figure("1x", "docs_per_s"),
        "ours_mb_per_cpu_s": figure("1x", "mb_per_cpu_s"),
        "peak_mb_per_worker_1x": figure("1x", "peak_mb_per_worker"),
        "peak_mb_per_worker_4x": figure("4x", "peak_mb_per_worker"),
    }


def _demo_seconds() -> float | None:
    """Seconds of `make demo` after `make setup`, which is not counted."""
    if subprocess.run(["make", "-n", "demo"], cwd=ROOT, capture_output=True, check=False).returncode:
        return None
    for target in ("setup", "demo"):
        started = time.monotonic()
        done = subprocess.run(["make", target], cwd=ROOT, stdout=subprocess.DEVNULL, check=False)
        if done.returncode:
            raise SystemExit(f"benchmark spine: make {target}: expected exit code 0; found {done.returncode}")
    return round(time.monotonic() - started, 1)


def _profile(corpus: Path, model: Path, output: Path, report: Path) -> None:
    shutil.rmtree(output, ignore_errors=True)
    command = [sys.executable, "-m", "benchmarks.step_profile", str(RECIPES / "spine.yaml"), str(output), str(report)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    subprocess.run([*command, *_overrides(corpus, model)], cwd=ROOT, env=environment, check=True)
    steps = [f"  {seconds:8.2f} s  {name}" for name, seconds in _step_seconds(output).items()]
    report.write_text("\n".join(["by step:", *steps, "", report.read_text()]))


if __name__ == "__main__":
    main()
