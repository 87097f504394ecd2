"""Disturbances by kind and step, as a table for people."""

from collections import Counter
from collections.abc import Sequence
from typing import Any


def table(runs: Sequence[dict[str, Any]]) -> str:  # Any: JSON
    """A row a step, a column a kind; Markdown."""
    kinds = list(dict.fromkeys(run["kind"] for run in runs))
    found = Counter((run["step"] or "before or after", run["kind"]) for run in runs)
    steps = list(dict.fromkeys(step for step, _ in found))
    rows = [["step", *kinds], ["---", *["---:"] * len(kinds)]]
    rows += [[step, *(str(found[step, kind] or "") for kind in kinds)] for step in steps]
    rows.append(["all", *(str(sum(found[step, kind] for step in steps)) for kind in kinds)])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)
