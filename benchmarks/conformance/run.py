"""Compares decisions and statistics with datatrove's: `python -m benchmarks.conformance.run`.

20,000 real English documents go through each filter alone and through FineWeb's whole chain, final text included:

- whitespace: whitespace words and one sentence rule in both, patched into datatrove. Statistics are compared too.
- spacy: datatrove as it comes; corpusmill with `treebank` words and `spacy` sentences.

Writes results/conformance.md with every kind of disagreement, and prints the figures as JSON. What datatrove says is
recorded in its own environment, once: with spaCy that takes half an hour. Skips with exit code 0 and the reason where
the texts are not there.
"""

import argparse
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any, Final

import pyarrow.parquet as pq

from benchmarks.conformance.compare import Agreement, compare, compare_statistics
from benchmarks.conformance.documents import FOLDERS, SIZE, write_documents
from benchmarks.environments import install
from benchmarks.filters.tools import DATATROVE
from benchmarks.real_text import missing
from benchmarks.surroundings import ROOT, commit

PAGE: Final = ROOT / "benchmarks/results/conformance.md"
RECORDER: Final = Path(__file__).with_name("record_datatrove.py")
WORDS: Final = ("whitespace", "spacy")
EXAMPLES: Final = 3

Json = dict[str, Any]  # Any: what json.dumps takes


def main() -> None:
    """Records what is not recorded yet, compares, and writes the page."""
    options = _options()
    absent = missing(FOLDERS)
    if absent:
        print(f"conformance: skipped; expected texts in ../shared/data/text; missing {absent}", file=sys.stderr)
        print(json.dumps({"figures": {}}))
        return
    documents = options.work / "documents.parquet"
    write_documents(documents, options.size)
    figures: Json = {}
    page = [_HEAD.format(commit=commit(), documents=pq.ParquetFile(documents).metadata.num_rows)]
    for words in WORDS:
        records = _recorded(documents, options, words)
        if words == "whitespace":
            statistics = compare_statistics(documents, records)
            page += ["", "## Statistics, whitespace words", "", *_statistics_table(statistics), "", _DUPLICATES]
            figures["statistics_differing"] = sum(
                number for counted in statistics.values() for name, number in counted.items() if "differs" in name
            )
        agreements = compare(documents, records, words)
        page += ["", f"## Decisions, {_TITLES[words]}", "", *_decision_table(agreements)]
        page += ["", *(_disagreements(agreements) or ["No decision differs, and no final text."])]
        for name, groups in agreements.items():
            figures[f"agreement_{name}_{words}"] = round(groups["all"].share, 5)
            if words == "spacy":
                figures |= {
                    f"agreement_{name}_{words}_{group}": round(groups[group].share, 5) for group in ("prose", "markup")
                }
    if options.size == SIZE:
        PAGE.write_text("\n".join(page) + "\n")
    print(json.dumps({"figures": figures}, indent=1))


_TITLES: Final = {
    "whitespace": "whitespace words and one sentence rule in both",
    "spacy": "datatrove as it comes, corpusmill with treebank words",
}
_DUPLICATES: Final = """Duplicated n-grams differ where datatrove takes two different n-grams for one, because it joins
their words without a space: "ab c" and "a bc"."""
_HEAD: Final = """# Conformance with datatrove 0.10.1

Written by `python -m benchmarks.conformance.run` at commit {commit}; {documents} English documents: prose
(msdocs_en, peps) and markup-heavy reference pages (php_docs, powershell_docs). "Kept by both" and "dropped by both" are
shares of what is kept and dropped there, by datatrove. "Same text": of documents that both keep, those with the same
bytes at the end."""


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.conformance.run", description="Compares filters with datatrove's."
    )
    parser.add_argument("--work", type=Path, default=ROOT / "runs/conformance", help="folder for documents and records")
    parser.add_argument("--venvs", type=Path, help="folder for datatrove's environment  [WORK/venvs]")
    parser.add_argument("--size", type=int, default=SIZE, help="documents; fewer write no page")
    options = parser.parse_args()
    options.work = options.work.resolve()
    options.venvs = (options.venvs or options.work / "venvs").resolve()
    return options


def _recorded(documents: Path, options: argparse.Namespace, words: str) -> Path:
    """The file with what datatrove says; recorded if it is not there."""
    records: Path = options.work / f"datatrove-{words}.jsonl"
    if not records.is_file():
        python = install(DATATROVE, options.venvs)
        unfinished = records.with_suffix(".part")
        command = [str(python), str(RECORDER), str(documents), str(unfinished), words]
        subprocess.run(command, stdout=sys.stderr, check=True)
        unfinished.rename(records)
    return records


def _statistics_table(statistics: dict[str, Counter[str]]) -> list[str]:
    lines = ["| rule set | statistic | documents | different |", "|---|---|---|---|"]
    for name, counted in statistics.items():
        for statistic in sorted(one for one in counted if not one.endswith(" differs")):
            different = counted[f"{statistic} differs"]
            lines.append(f"| {name} | {statistic} | {counted[statistic]} | {different} |")
    return lines


def _decision_table(agreements: dict[str, dict[str, Agreement]]) -> list[str]:
    lines = [
        "| filter | documents | kept there | kept by both | dropped there | dropped by both | agreement | same text |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, groups in agreements.items():
        for group, found in groups.items():
            lines.append(
                f"| {name} | {group} | {found.kept} | {_percent(found.kept_too, found.kept)} | {found.dropped} | "
                f"{_percent(found.dropped_too, found.dropped)} | {found.share:.3%} | "
                f"{_percent(found.same_text, found.kept_too)} |"
            )
    return lines


def _percent(part: int, whole: int) -> str:
    return f"{part / whole:.3%}" if whole else "-"


def _disagreements(agreements: dict[str, dict[str, Agreement]]) -> list[str]:
    """Every kind of disagreement with its number and some documents."""
    lines: list[str] = []
    for name, groups in agreements.items():
        kinds: dict[tuple[str | None, str | None], list[str]] = {}
        for document, theirs, ours in groups["all"].differing:
            kinds.setdefault((theirs, ours), []).append(document)
        for (theirs, ours), found in sorted(kinds.items(), key=lambda kind: -len(kind[1])):
            lines.append(_kind(name, theirs or "kept", ours or "kept", found))
        if groups["all"].other_texts:
            lines.append(_kind(name, "kept", "kept, other text", groups["all"].other_texts))
    head = ["| filter | datatrove | corpusmill | documents | for example |", "|---|---|---|---|---|"]
    return head + lines if lines else []


def _kind(name: str, theirs: str, ours: str, found: list[str]) -> str:
    shown = ", ".join(f"`{document}`" for document in found[:EXAMPLES])
    return f"| {name} | {theirs} | {ours} | {len(found)} | {shown} |"


if __name__ == "__main__":
    main()
