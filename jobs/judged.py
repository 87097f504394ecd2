"""Attribution and what-if, as they are printed."""

from rich.table import Table

from jobs.terminal import PlainConsole
from pipeline.report.attribution import Attribution, Matrix
from pipeline.report.whatif import Answer, Crossing


def print_attribution(found: Attribution, console: PlainConsole, *, rules: bool) -> None:
    """A table of the rules, and one of how often two filters, or two rules, would remove the same document."""
    console.print(
        f"step {found.step}: {found.rows_judged:,} documents judged, {found.rows_removed:,} "
        f"({_share(found.rows_removed, found.rows_judged)}) break a rule",
        highlight=False,
    )
    table = Table("rule", box=None, pad_edge=False)
    for heading in ("removed", "", "alone", "", "only", ""):
        table.add_column(heading, justify="right")
    for share in found.rules:
        counts = [share.removed, share.alone, share.only]
        cells = [cell for count in counts for cell in (f"{count:,}", _share(count, found.rows_judged))]
        table.add_row(f"{share.operator}/{share.rule}", *cells)
    console.print(table)
    console.print(
        "removed: by this rule first. alone: were it the only rule. only: by it and by no other.", style="dim"
    )
    if rules:
        _print_overlap([f"{share.operator}/{share.rule}" for share in found.rules], found.rule_overlap, console)
    else:
        _print_overlap(list(found.operators), found.overlap, console)


def _print_overlap(names: list[str], overlap: Matrix, console: PlainConsole) -> None:
    """Numbered columns, since names are long."""
    if len(names) < 2:
        return
    console.print("\nDocuments that both would remove:")
    table = Table("", "", *(str(number) for number in range(1, len(names) + 1)), box=None, pad_edge=False)
    for column in table.columns[2:]:
        column.justify = "right"
    for number, (name, row) in enumerate(zip(names, overlap, strict=True), start=1):
        table.add_row(str(number), name, *(f"{count:,}" for count in row))
    console.print(table)


def print_answer(answer: Answer, console: PlainConsole) -> None:
    """What would be kept, which rules gain and lose, and how far the answer goes."""
    for change in answer.changes:
        console.print(
            f"step {change.step}: {change.operator}.{change.field} = {change.after} instead of {change.before}",
            highlight=False,
        )
    console.print(
        f"  kept: {answer.kept_after:,} of {answer.rows_judged:,} documents instead of {answer.kept_before:,}",
        highlight=False,
    )
    if answer.quarantined_before != answer.quarantined_after:
        console.print(
            f"  quarantined: {answer.quarantined_after:,} instead of {answer.quarantined_before:,}", highlight=False
        )
    _print_crossing("dropped in the run, kept with the new settings", answer.gained, console)
    _print_crossing("kept in the run, dropped with the new settings", answer.lost, console)
    if answer.rules:
        table = Table("  rule", box=None, pad_edge=False)
        for heading in ("run's limit", "new limit", "removed in the run", "with the new settings"):
            table.add_column(heading, justify="right")
        for rule in answer.rules:
            limits = [_limit(rule.limit_before), _limit(rule.limit_after)]
            table.add_row(
                f"  {rule.operator}/{rule.rule}", *limits, f"{rule.removed_before:,}", f"{rule.removed_after:,}"
            )
        console.print(table)
    console.print("  exact: a run would keep just these" if answer.is_exact else "  not known from the values:")
    for reason in answer.unknown:
        console.print(f"    {reason}", highlight=False, soft_wrap=True)


def _print_crossing(what: str, crossing: Crossing, console: PlainConsole) -> None:
    size = "" if crossing.text_bytes is None else f", {crossing.text_bytes / 1e6:.3g} MB of text"
    console.print(f"  {what}: {crossing.rows:,}{size}", highlight=False)
    for doc_id, input_id in crossing.examples:
        name = f" ({input_id})" if input_id else ""
        console.print(f"    {doc_id}{name}", highlight=False, soft_wrap=True)


def _share(count: int, whole: int) -> str:
    return f"{count / whole:.1%}" if whole else ""


def _limit(value: float | None) -> str:
    return "off" if value is None else f"{value:g}"
