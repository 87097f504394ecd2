"""The table of a mix for people: what each part has, was to have and got."""

from typing import Any

_COLUMNS = ("part", "documents", "has", "asked for", "obtained", "over", "epochs", "share")
_LEGEND = (
    "`has`: every document once. `epochs`: obtained / one epoch, in which a document may stand several times. A part "
    "gets whole documents until it has what was asked for."
)


def mix_report(found: dict[str, Any]) -> str:  # Any: JSON
    """`mix.json` as Markdown."""
    obtained = sum(part["obtained_tokens"] for part in found["parts"])
    rows = [_row(part, obtained) for part in found["parts"]]
    asked = sum(part["asked_tokens"] for part in found["parts"])
    documents, tokens = (sum(part[name] for part in found["parts"]) for name in ("num_documents", "tokens"))
    rows.append(
        ["all", f"{documents:,}", f"{tokens:,}", f"{asked:,}", f"{obtained:,}", f"{obtained - asked:,}", "", ""]
    )
    lines = [
        f"# Mix by {found['settings']['by']['column']}, counted in {found['size']}",
        "",
        *("| " + " | ".join(row) + " |" for row in (_COLUMNS, ["---", *["---:"] * (len(_COLUMNS) - 1)], *rows)),
        "",
        _LEGEND,
        "",
    ]
    return "\n".join(lines)


def _row(part: dict[str, Any], obtained: int) -> list[str]:  # Any: JSON
    asked, got = part["asked_tokens"], part["obtained_tokens"]
    return [
        part["name"].replace("|", "\\|"),
        f"{part['num_documents']:,}",
        f"{part['tokens']:,}",
        f"{asked:,}",
        f"{got:,}",
        f"{got - asked:,}",
        f"{got / max(1, part['epoch_tokens']):.3f}",
        f"{got / max(1, obtained):.4f}",
    ]
