"""Speed of MinHash signatures from the text: `python -m benchmarks.kernels.signatures > signatures.json`.

One thread, time of the process's CPU, medians of interleaved rounds over texts of ../shared/data/text. MB are 10^6
bytes of UTF-8. Also what a process pays before its first signature, with kernels compiled by an earlier one.
"""

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import zstandard

from operators.dedup.minhash import MinHashSignature
from pipeline.document import TEXT_TYPE

ROOT: Final = Path(__file__).parents[2]
TEXTS: Final = ROOT / ".." / "shared" / "data" / "text"
LANGUAGES: Final = {
    "en": ("msdocs_en", "peps"),
    "zh": ("lctt_linuxcn",),
    "ko": ("cppdocs_ko",),
    "code": ("code_repos",),
}
SETTINGS: Final[dict[str, dict[str, Any]]] = {  # Any: fields of the operator
    "signature": {},
    "signature_characters": {
        "unit": "character",
        "normalization": "none",
        "ngram": 24,
        "num_bands": 20,
        "rows_per_band": 13,
    },
}
MAX_BYTES: Final = 12_000_000
ROUNDS: Final = 9
STARTS: Final = 5

_FIRST_SIGNATURE: Final = """
import time
start = time.process_time()
import pyarrow as pa
from operators.dedup.minhash import MinHashSignature
imported = time.process_time()
MinHashSignature().open()(pa.record_batch({"text": pa.array(["some words of a text"], pa.large_string())}))
print(imported - start, time.process_time() - imported)
"""


def texts(folders: tuple[str, ...]) -> pa.RecordBatch:
    """The first texts of some folders, about as many bytes of each."""
    found: list[str] = []
    for folder in folders:
        num_bytes = 0
        for path in sorted((TEXTS / folder).glob("*.jsonl.zst")):
            with zstandard.open(path, "rt", encoding="utf-8") as lines:
                for line in lines:
                    if num_bytes * len(folders) >= MAX_BYTES:
                        break
                    found.append(json.loads(line)["text"])
                    num_bytes += len(found[-1].encode())
    return pa.record_batch({"text": pa.array(found, TEXT_TYPE)})


def speeds(batches: dict[str, pa.RecordBatch]) -> dict[str, float]:
    """MB a CPU-second, by settings and language."""
    runs: dict[str, tuple[Callable[[pa.RecordBatch], pa.RecordBatch], pa.RecordBatch]] = {}
    for settings, fields in SETTINGS.items():
        function = MinHashSignature(**fields).open()
        for language, batch in batches.items():
            function(batch.slice(0, 1))  # compiles
            runs[f"{settings}_mb_per_s_{language}"] = (function, batch)
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(ROUNDS):
        for name, (function, batch) in runs.items():
            start = time.process_time()
            function(batch)
            seconds[name].append(time.process_time() - start)
    return {
        name: round(batch.column("text").nbytes / 1e6 / statistics.median(seconds[name]), 1)
        for name, (_, batch) in runs.items()
    }


def start_seconds() -> dict[str, float]:
    """CPU-seconds of a fresh process: for imports, and for the tables and compiled kernels of a first signature."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    found = []
    for _ in range(STARTS):
        done = subprocess.run(
            [sys.executable, "-c", _FIRST_SIGNATURE],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        found.append(list(map(float, done.stdout.split())))
    imports, first = (statistics.median(column) for column in zip(*found, strict=True))
    return {"import_cpu_seconds": round(imports, 2), "first_signature_cpu_seconds": round(first, 2)}


def main() -> None:
    """Writes the figures as JSON."""
    missing = [name for folders in LANGUAGES.values() for name in folders if not (TEXTS / name).is_dir()]
    if missing:
        raise SystemExit(f"benchmark signatures: expected texts in {TEXTS}; found no {missing}")
    batches = {language: texts(folders) for language, folders in LANGUAGES.items()}
    json.dump(speeds(batches) | start_seconds(), sys.stdout, indent=1)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
