"""Whether rules fit languages: what jobs/recipes/multilingual.yaml keeps and drops of real documents, to be read.

    python -m benchmarks.conformance.languages

reads documents of the shared data, builds the recipe over them, and writes benchmarks/results/languages.md.
"""

import io
import json
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pyarrow.parquet as pq
import xxhash
import zstandard

from benchmarks.surroundings import ROOT
from operators.catalogue import catalogue
from pipeline.plan.logical import Recipe, Source, View
from pipeline.recipe import load_recipe
from pipeline.run import Run, run_recipe

DATA: Final = ROOT.parent / "shared" / "data" / "text"
RECIPE: Final = ROOT / "jobs" / "recipes" / "multilingual.yaml"
RESULTS: Final = ROOT / "benchmarks" / "results" / "languages.md"

FOLDERS: Final = {
    "lctt_linuxcn": "articles of LCTT/TranslateProject, Apache-2.0",
    "php_docs": "the PHP manual, CC BY 3.0, © the PHP Documentation Group",
    "cppdocs_ko": "MicrosoftDocs/cpp-docs.ko-kr, CC BY 4.0, © Microsoft and contributors",
    "tldr_pages": "tldr-pages, CC BY 4.0, © the tldr-pages team and contributors",
}
LANGUAGES: Final = ("zh", "ja", "ko", "de", "fr", "ru")
NUM_DOCUMENTS: Final = 400
"""Of each folder and language; those of the smallest hashes of their ids."""
NUM_SHOWN: Final = 20
NUM_CHARS: Final = 80


@dataclass(frozen=True, slots=True)
class Judged:
    """A document, and the rule that drops it, if any."""

    folder: str
    language: str
    text: str
    rule: str | None
    value: float | None
    threshold: float | None


def documents_of(folder: str) -> Iterator[dict[str, Any]]:  # Any: JSON
    """The records of a folder in the languages that are judged."""
    for path in sorted((DATA / folder).glob("*.jsonl.zst")):
        with path.open("rb") as file, zstandard.ZstdDecompressor().stream_reader(file) as stream:
            for line in io.TextIOWrapper(stream, "utf-8"):
                record = json.loads(line)
                if record["lang"] in LANGUAGES:
                    yield record


def write_sample(folder: str, path: Path) -> None:
    """Writes the documents of a folder that are judged."""
    by_language: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for record in documents_of(folder):
        by_language[record["lang"]].append(record)
    with path.open("w", encoding="utf-8") as out:
        for records in by_language.values():
            records.sort(key=lambda record: xxhash.xxh64_intdigest(record["id"].encode()))
            out.writelines(json.dumps(record, ensure_ascii=False) + "\n" for record in records[:NUM_DOCUMENTS])


def over_samples(recipe: Recipe, folder: Path) -> Recipe:
    """The recipe, with one source for each folder of the data."""
    sources = {name: Source(paths=(str(folder / f"{name}.jsonl"),), columns={"lang": "string"}) for name in FOLDERS}
    first, *others = recipe.steps
    first = first.model_copy(update={"view": View(sources=tuple(sources))})
    return recipe.model_copy(update={"sources": sources, "steps": (first, *others)})


def judged_documents(run: Run) -> Iterator[Judged]:
    """The documents of a run, in order, those of another language than the project says left out."""
    documents, judged = run.manifests["documents"], run.manifests["judged"]
    for shard in range(len(documents.shards)):
        path, ledger = documents.path(shard, "data"), judged.path(shard, "ledger")
        rows = [] if path is None else pq.read_table(path).to_pylist()
        entries = [] if ledger is None else pq.read_table(ledger).to_pylist()
        dropped = {entry["row"]: entry for entry in entries if entry["action"] == "drop"}
        for number, row in enumerate(rows):
            entry = dropped.get(number, {})
            if row["lang"] == row["language"]:
                yield Judged(
                    row["source"],
                    row["lang"],
                    row["text"],
                    entry.get("rule"),
                    entry.get("value"),
                    entry.get("threshold"),
                )


def keep_rates(judged: Sequence[Judged]) -> Iterator[str]:
    """Rows of a table: how many documents of each folder and language stay, and what drops the others."""
    yield "| source | language | documents | kept | dropped by |"
    yield "|---|---|---|---|---|"
    groups: dict[tuple[str, str], list[Judged]] = defaultdict(list)
    for document in judged:
        groups[document.folder, document.language].append(document)
    for (folder, language), documents in sorted(groups.items()):
        rules = Counter(document.rule for document in documents if document.rule)
        share = 1 - rules.total() / len(documents)
        causes = ", ".join(f"{rule} {count}" for rule, count in rules.most_common(4))
        yield f"| {folder} | {language} | {len(documents):,} | {share:.0%} | {causes} |"


def shown(document: Judged) -> str:
    """A document on a line: the rule with its value, and the beginning of its text."""
    start = " ".join(document.text[: 2 * NUM_CHARS].split())[:NUM_CHARS].replace("|", "¦").replace("`", "'")
    if document.rule is None:
        return f"- {document.folder}: `{start}`"
    return f"- {document.folder}: {document.rule} {document.value:.4g}, limit {document.threshold:.4g}: `{start}`"


def report(judged: Sequence[Judged]) -> Iterator[str]:
    """The page, line by line."""
    yield "# What rules keep and drop, by language"
    yield ""
    yield "<!-- Written by `python -m benchmarks.conformance.languages`. -->"
    yield ""
    yield f"Documents of the sources below, {NUM_DOCUMENTS} of each and language, or all where there are fewer, judged"
    yield "by `jobs/recipes/multilingual.yaml`; those that language identification takes for another language, or is"
    yield f"unsure of, are left out. The beginnings shown, of {NUM_CHARS} characters at most, are of:"
    yield ""
    yield from (f"- {folder}: {source}" for folder, source in FOLDERS.items())
    yield ""
    yield from keep_rates(judged)
    for language in LANGUAGES:
        documents = [document for document in judged if document.language == language]
        documents.sort(key=lambda document: xxhash.xxh64_intdigest(document.text.encode()))
        for title, group in (
            ("dropped", [document for document in documents if document.rule]),
            ("kept", [document for document in documents if not document.rule]),
        ):
            yield from ("", f"## {language}: {title}", "")
            yield from map(shown, group[:NUM_SHOWN])


def main() -> None:
    """Writes the page."""
    if not DATA.is_dir():
        sys.exit(f"languages: expected documents in {DATA}; found no such folder")
    recipe = load_recipe(RECIPE, catalogue())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for source in FOLDERS:
            write_sample(source, folder / f"{source}.jsonl")
        run = run_recipe(over_samples(recipe, folder), folder / "run", directory=RECIPE.parent)
        judged = list(judged_documents(run))
    RESULTS.write_text("".join(f"{line}\n" for line in report(judged)), encoding="utf-8")
    print(*keep_rates(judged), sep="\n")


if __name__ == "__main__":
    main()
