"""What `run` and `status` print: how much came in, what was lost and why, what is left and where it lies."""

import json
from collections.abc import Mapping, Sequence

from rich.table import Table

from jobs.examples import removed_examples
from jobs.terminal import PlainConsole
from pipeline.artifact import DATA, DATASET, Manifest
from pipeline.io.store import place_of
from pipeline.operator import ShardOperator
from pipeline.plan.logical import ArtifactKind, Recipe
from pipeline.recorded_run import MemoryUse
from pipeline.report.damaged import DamagedFile, damaged_files
from pipeline.report.funnel import Funnel
from pipeline.run import Run

_EXAMPLE_CHARS = 160
_FOLDERS = {ArtifactKind.MODEL: "", ArtifactKind.FILES: DATASET}
"""Where artifacts lie that are no rows."""
MAX_DAMAGED = 10
"""Damaged files that are printed; `status --json` has all."""
_CONTEXT_CHARS = 40
"""Shown before the place where two texts begin to differ."""


def print_summary(run: Run, recipe: Recipe, console: PlainConsole) -> None:
    """The whole summary of a finished build of `recipe`, whose files are pinned."""
    print_funnel(run.funnel, console)
    _print_examples(run.manifests, console)
    if any(isinstance(operator, ShardOperator) for step in recipe.steps for operator in step.operators):
        _print_packed(recipe, run, console)
    cached = f" ({len(run.cached_steps)} of {len(run.manifests)} steps were already built)" if run.cached_steps else ""
    console.print(f"time: {run.seconds:.1f} s{cached}")
    print_memory(run.memory, console)
    for step, manifest in run.manifests.items():
        for fallback in manifest.fallbacks:
            console.print(f"warning: {step}: {fallback}", style="yellow", soft_wrap=True)
    _print_packing(run.manifests, console)
    print_damaged(damaged_files(shard for manifest in run.manifests.values() for shard in manifest.shards), console)
    for report in _reports(run.manifests):
        console.print(f"report: {report}", soft_wrap=True)
    last = list(run.manifests.values())[-1]
    console.print(f"output: {run.output}", soft_wrap=True)
    for manifest in run.manifests.values():
        if manifest.kind is ArtifactKind.FILES:
            console.print(f"dataset: {_described(manifest)}", soft_wrap=True)
    console.print(f"last artifact: {last.folder / _FOLDERS.get(last.kind, DATA)}", soft_wrap=True)


def print_memory(memory: MemoryUse, console: PlainConsole) -> None:
    """The most that a worker and the driver have had, beside what workers were to stay within."""
    if not memory.peak_worker_bytes:  # everything was built already
        return
    worker, driver = (round(peak / 1e6) for peak in (memory.peak_worker_bytes, memory.peak_driver_bytes))
    budget = "" if memory.budget_bytes is None else f" of {memory.budget_bytes / 1e6:,.0f} MB"
    console.print(f"memory: {worker:,} MB{budget} for a worker at most, {driver:,} MB for the driver", highlight=False)
    if memory.budget_bytes is not None and memory.peak_worker_bytes > memory.budget_bytes:
        console.print(
            f"warning: memory: expected workers within {memory.budget_bytes / 1e6:,.0f} MB; found {worker:,} MB; "
            "docs/operate.md says what takes how much: lower layout.shard_bytes, or give workers more",
            style="yellow",
            soft_wrap=True,
        )


def print_funnel(total: Funnel, console: PlainConsole) -> None:
    """Documents in, lost by step, operator and rule, and kept."""
    table = Table(show_edge=False, pad_edge=False)
    for heading, side in (
        ("step", "left"),
        ("operator", "left"),
        ("rule", "left"),
        ("documents", "right"),
        ("of input", "right"),
    ):
        table.add_column(heading, justify=side)  # type: ignore[arg-type]
    table.add_row("", "", "in", f"{total.rows_in:,}", _share(total.rows_in, total.rows_in))
    for step in total.steps:
        for key, rows in step.rules.items():
            operator, action, rule = key.split("/", 2)
            shown = rule if action == "drop" else f"{rule} ({action})"
            table.add_row(
                step.step, operator, shown, f"{'' if action == 'edit' else '-'}{rows:,}", _share(rows, total.rows_in)
            )
    table.add_row("", "", "kept", f"{total.rows_kept:,}", _share(total.rows_kept, total.rows_in), style="bold")
    console.print(table)
    console.print(
        f"documents: {total.rows_in:,} in, {total.rows_kept:,} kept, {total.rows_dropped:,} dropped, "
        f"{total.rows_quarantined:,} quarantined; damaged files: {total.damaged_files}"
    )


def print_damaged(damaged: Sequence[DamagedFile], console: PlainConsole) -> None:
    """The first damaged files, a line each."""
    if damaged:
        console.print(f"damaged files, {min(len(damaged), MAX_DAMAGED)} of {len(damaged):,}:")
    for file in damaged[:MAX_DAMAGED]:
        console.print(f"  {file}", soft_wrap=True)


def _print_examples(manifests: Mapping[str, Manifest], console: PlainConsole) -> None:
    """Documents that went; a duplicate and its survivor from a little before the place where they begin to differ."""
    examples = removed_examples(manifests)
    if examples:
        console.print(f"{len(examples)} document{'s' if len(examples) > 1 else ''} that went:")
    for example in examples:
        console.print(f"  {example.operator}, {example.rule}: {example.doc_id}", soft_wrap=True, highlight=False)
        if example.survivor is None or example.survivor_text is None:
            _print_text(_one_line(example.text)[:_EXAMPLE_CHARS], console)
            continue
        texts = _one_line(example.text), _one_line(example.survivor_text)
        start = max(0, _first_difference(*texts) - _CONTEXT_CHARS)
        _print_text(texts[0][start : start + _EXAMPLE_CHARS], console)
        console.print(f"    stays, for it: {example.survivor}", soft_wrap=True, highlight=False)
        _print_text(texts[1][start : start + _EXAMPLE_CHARS], console)


def _print_packed(recipe: Recipe, run: Run, console: PlainConsole) -> None:
    """The first lines of what a trainer would read, if windows were packed, and how full the windows are."""
    from jobs.packed_text import first_packed_text, padding_fraction  # noqa: PLC0415 -- it needs kernels and tokenizers

    packed = first_packed_text(recipe, run.manifests)
    if packed is not None:
        ids = " ".join(map(str, packed.ids))
        console.print(f"the first window of {packed.step} has {packed.num_tokens:,} tokens: {ids} ...", soft_wrap=True)
        for line in packed.lines:
            _print_text(line.strip()[:_EXAMPLE_CHARS], console)
    total = run.funnel
    if total.tokens_in:
        padding = padding_fraction(recipe, run.manifests)
        truncated = f", {total.tokens_truncated:,} truncated" if total.tokens_truncated else ""
        padded = "" if padding is None else f", {padding:.2%} of the windows is padding"
        console.print(f"tokens: {total.tokens_packed:,} packed of {total.tokens_in:,}{truncated}{padded}")


def _print_packing(manifests: Mapping[str, Manifest], console: PlainConsole) -> None:
    """What reports on packing found, a line each."""
    for path in _files(manifests, "packing.json"):
        found = json.loads(place_of(path).read_text())
        per_row = found["documents_per_row"]
        told = f", {per_row['mean']:.1f} a row, {per_row['max']:,} at most" if per_row else ""
        console.print(
            f"packing: {found['rows']:,} rows of {found['documents']:,} documents{told}; "
            f"{found['padding_fraction']:.3%} padding, {found['splits']:,} splits, "
            f"{found['truncated_tokens']:,} tokens truncated",
            soft_wrap=True,
        )


def _reports(manifests: Mapping[str, Manifest]) -> list[str]:
    """Pages and plots that tasks left for people."""
    return [path for name in ("report.md", "packing.svg") for path in _files(manifests, name)]


def _files(manifests: Mapping[str, Manifest], name: str) -> list[str]:
    """Files of this name in models."""
    paths = (manifest.path(0, name) for manifest in manifests.values() if manifest.kind is ArtifactKind.MODEL)
    return [path for path in paths if path is not None]


def _described(manifest: Manifest) -> str:
    """Where a trainer's files lie, and how much they hold."""
    files = f"{len(manifest.dataset):,} file{'' if len(manifest.dataset) == 1 else 's'}"
    return (
        f"{manifest.folder / DATASET}: {files} of {manifest.operators[-1]['operator']}, "
        f"{manifest.total('conserved_out'):,} tokens"
    )


def _print_text(text: str, console: PlainConsole) -> None:
    console.print(f"    {text}", style="dim", highlight=False, soft_wrap=True)


def _first_difference(left: str, right: str) -> int:
    """The index at which two texts begin to differ; the shorter length if one begins the other."""
    pairs = enumerate(zip(left, right, strict=False))
    return next((index for index, (one, other) in pairs if one != other), min(len(left), len(right)))


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _share(rows: int, total: int) -> str:
    return f"{rows / total:.1%}" if total else ""
