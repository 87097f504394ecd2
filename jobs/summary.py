"""What `run` and `status` print: how much came in, what was lost and why, what is left and where it lies."""

from collections.abc import Mapping

from rich.console import Console
from rich.table import Table

from pipeline.artifact import Manifest
from pipeline.plan.logical import ArtifactKind
from pipeline.report.funnel import Funnel
from pipeline.run import Run

_EXAMPLE_CHARS = 160


def print_summary(run: Run, console: Console) -> None:
    """The whole summary of a finished build."""
    print_funnel(run.funnel, console)
    _print_examples(run.manifests, console)
    total = run.funnel
    if total.tokens_in:
        padding = _padding_fraction(run.manifests)
        padded = "" if padding is None else f", {padding:.2%} of the windows is padding"
        console.print(f"tokens: {total.tokens_packed:,} packed of {total.tokens_in:,}{padded}")
    cached = f" ({len(run.cached_steps)} of {len(run.manifests)} steps were already built)" if run.cached_steps else ""
    console.print(f"time: {run.seconds:.1f} s{cached}")
    last = list(run.manifests.values())[-1]
    console.print(f"output: {run.output}", soft_wrap=True)
    console.print(
        f"last artifact: {last.folder / 'data' if last.kind is not ArtifactKind.MODEL else last.folder}", soft_wrap=True
    )


def print_funnel(total: Funnel, console: Console) -> None:
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


def _print_examples(manifests: Mapping[str, Manifest], console: Console) -> None:
    """Three documents that went, one of each of the commonest rules that keep examples."""
    examples: dict[tuple[str, str], dict[str, str]] = {}
    weights: dict[tuple[str, str], int] = {}
    for manifest in manifests.values():
        for shard in manifest.shards:
            for example in shard.examples:
                key = (example["operator"], example["rule"])
                if key not in examples or example["doc_id"] < examples[key]["doc_id"]:
                    examples[key] = example
        for name, rows in manifest.rule_totals().items():
            operator, _, rule = name.split("/", 2)
            weights[(operator, rule)] = rows
    commonest = sorted(examples, key=lambda key: (-weights.get(key, 0), key))[:3]
    if commonest:
        console.print("three documents that went:")
    for key in commonest:
        example = examples[key]
        start = " ".join(example["text"].split())[:_EXAMPLE_CHARS]
        console.print(f"  {key[0]}, {key[1]}: {example['doc_id']}", soft_wrap=True)
        console.print(f"    {start}", style="dim", markup=False, soft_wrap=True)


def _padding_fraction(manifests: Mapping[str, Manifest]) -> float | None:
    """Of the last packed table: the share of its windows' places that hold no token."""
    for manifest in reversed(list(manifests.values())):
        kind = manifest.columns.get("input_ids", "")
        if kind.startswith("fixed_size_list") and manifest.total("rows_written"):
            places = manifest.total("rows_written") * int(kind.rsplit("[", 1)[1].rstrip("]"))
            return 1 - manifest.total("conserved_out") / places
    return None


def _share(rows: int, total: int) -> str:
    return f"{rows / total:.1%}" if total else ""
