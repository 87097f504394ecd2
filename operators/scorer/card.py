"""A scorer's card as a page for people."""

from typing import Any


def card_text(card: dict[str, Any]) -> str:  # Any: JSON
    """The page, in Markdown, of what `judge_scorer` found."""
    training, held = card["training"], card["held_out"]
    lines = [
        f"# Scorer `{card['score']}`",
        "",
        f"Model: `{card['model']['file']}`, content {card['model']['content']}.",
        f"Learnt from {training['num_positive']:,} positive and {training['num_negative']:,} negative documents; "
        f"judged by {held['num_positive']:,} and {held['num_negative']:,} that were held out"
        + (f", {held['num_unscored']:,} more had no score." if held["num_unscored"] else "."),
        "",
        f"- Area under the ROC curve: {card['area_under_curve']:.4f}",
        f"- Expected calibration error: {card['calibration_error']:.4f}",
        "",
        "## The best documents by score",
        "",
        *_table(card["top"]),
        "",
        "## Calibration",
        "",
        *_table(card["calibration"]),
    ]
    return "\n".join(lines) + "\n"


def _table(rows: list[dict[str, Any]]) -> list[str]:
    """Rows of numbers under their names; what a row does not have stays empty."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    cells = ([_spelled(row.get(name)) for name in names] for row in rows)
    return [
        "| " + " | ".join(name.replace("_", " ") for name in names) + " |",
        "|" + "---:|" * len(names),
        *("| " + " | ".join(row) + " |" for row in cells),
    ]


def _spelled(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,}" if isinstance(value, int) else f"{value:g}"
