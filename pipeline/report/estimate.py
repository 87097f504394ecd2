"""What a build would cost, from building two small samples of its input in a temporary folder.

Two sizes tell the cost per byte from the fixed cost of opening models and compiling kernels. The sample is the head of
each source's first file, so an input that is not alike throughout is estimated by its beginning.
"""

import resource
import tempfile
import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.execution.local import LocalRunner
from pipeline.execution.prepare import PreparedRecipe, prepare
from pipeline.execution.runner import Event
from pipeline.execution.work import Execution
from pipeline.io.compression import InputStream
from pipeline.io.splits import format_of
from pipeline.io.storage import InputFile, open_input
from pipeline.plan.logical import ErrorBudget, Recipe, Source
from pipeline.run import run_prepared

SAMPLE_BYTES = (1 << 18, 1 << 20)
"""Decompressed input bytes of the two samples, over all sources."""

_ANY_BAD_ROWS = ErrorBudget(max_bad_fraction=1, max_damaged_fraction=1)


@dataclass(frozen=True, slots=True)
class Estimate:
    """What the steps that are not built yet would cost for the whole input."""

    sample_bytes: int
    cpu_seconds: dict[str, float]
    """On one core, by step; without the fixed cost of starting."""
    disk_bytes: int
    """Of everything that they leave in the output folder."""
    memory_bytes: int
    """Of one actor: this process after the samples, and the shard that packing buffers."""


def estimate_cost(prepared: PreparedRecipe, built: Collection[str] = ()) -> Estimate:
    """Builds two samples with the local runner and goes on in a straight line.

    Args:
        built: steps that cost nothing any more.
    """
    with tempfile.TemporaryDirectory(prefix="corpusmill-") as folder:
        small, large = (
            _build_sample(prepared, Path(folder) / str(size), size // max(1, len(prepared.files)))
            for size in SAMPLE_BYTES
        )
    span = max(1, large.num_bytes - small.num_bytes)
    scale = prepared.input_bytes / span
    to_build = [step for step in large.seconds if step not in built]
    seconds = {step: max(0.0, large.seconds[step] - small.seconds[step]) * scale for step in to_build}
    resident = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10
    disk = max(0, sum(large.disk_bytes[step] - small.disk_bytes[step] for step in to_build)) * scale
    return Estimate(large.num_bytes, seconds, int(disk), resident + prepared.recipe.layout.shard_bytes)


def describe_estimate(estimate: Estimate, workers: int) -> Iterator[str]:
    """The estimate as lines of text."""
    total = sum(estimate.cpu_seconds.values())
    yield f"estimate, from building samples of up to {estimate.sample_bytes / 1e6:.1f} MB:"
    yield f"  time: {total:.0f} s on one core, {total / workers:.0f} s on {workers} actors if there are shards enough"
    dearest = sorted(estimate.cpu_seconds.items(), key=lambda item: -item[1])[:3]
    yield "  dearest: " + ", ".join(f"{step} {seconds:.0f} s" for step, seconds in dearest)
    yield f"  disk: {estimate.disk_bytes / 1e6:.0f} MB in the output folder"
    yield f"  memory: {estimate.memory_bytes / 1e6:.0f} MB an actor"


@dataclass(frozen=True, slots=True)
class _Sample:
    num_bytes: int
    seconds: dict[str, float]
    disk_bytes: dict[str, int]


def _build_sample(prepared: PreparedRecipe, folder: Path, source_bytes: int) -> _Sample:
    sources = {}
    num_bytes = 0
    for name, files in prepared.files.items():
        source = prepared.recipe.sources[name]
        path = folder / "input" / name / f"head.{format_of(files[0], source)}"
        path.parent.mkdir(parents=True)
        num_bytes += _write_head(files[0], source, path, source_bytes)
        sources[name] = source.model_copy(update={"paths": (str(path),), "root": None, "format": None})
    recipe = Recipe(
        name=prepared.recipe.name,
        sources=sources,
        imports=prepared.recipe.imports,
        steps=prepared.recipe.steps,
        layout=prepared.recipe.layout,
        error_budget=_ANY_BAD_ROWS,
    )
    clock = _StepClock()
    output = folder / "output"
    done = run_prepared(prepare(recipe, prepared.directory), output, LocalRunner(), Execution(), clock)
    disk = {name: _size_of(Path(str(manifest.folder))) for name, manifest in done.manifests.items()}
    return _Sample(num_bytes, clock.seconds, disk)


def _size_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _write_head(file: InputFile, source: Source, path: Path, num_bytes: int) -> int:
    """Writes the first whole records of a file, about `num_bytes` of them; returns how many bytes they have."""
    if format_of(file, source) == "parquet":
        with open_input(file.path) as stream:
            batch = next(pq.ParquetFile(stream).iter_batches(1024))
            rows = max(1, min(batch.num_rows, batch.num_rows * num_bytes // max(1, batch.nbytes)))
            pq.write_table(pa.Table.from_batches([batch.slice(0, rows)]), path)
        return int(batch.slice(0, rows).nbytes)
    head = b""
    for chunk in InputStream(file).chunks():
        head += chunk
        if len(head) >= num_bytes and b"\n" in head:
            break
    cut = head.rfind(b"\n", 0, num_bytes) + 1 or head.find(b"\n") + 1 or len(head)
    path.write_bytes(head[:cut])
    return cut


class _StepClock:
    """CPU seconds of this process between the start and the end of each step."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._started = 0.0

    def __call__(self, event: Event) -> None:
        if event.kind == "step_started":
            self._started = time.process_time()
        elif event.kind == "step_finished":
            self.seconds[event.step] = time.process_time() - self._started
