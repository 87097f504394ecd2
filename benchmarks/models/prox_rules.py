"""What the programs of `prox_rule_programs` remove of web pages, and of what should stay: writes results/prox_rules.md.

Run as `python -m benchmarks.models.prox_rules`. Pages of ../shared/data/web/html_readability are dumped as text, a line
each block element, navigation and all, and compared with the readable text that is expected of them. The rules were
chosen on one half of the pages; the other half was looked at only for the numbers. Pages belong to their publishers,
so only numbers of them are written down. Pairs before and after are shown of documentation under CC BY.
"""

import json
import re
import time
import zlib
from collections import Counter
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import zstandard

from operators.prox.execution_rules import ExecutionRules
from operators.prox.executor import execute
from operators.prox.programs import PROGRAMS, ChunkProgram
from operators.prox.prox_rule_programs import ProxRulePrograms
from pipeline.document import TEXT, TEXT_TYPE

ROOT: Final = Path(__file__).parents[2]
SHARED: Final = ROOT.parent / "shared" / "data"
RESULT: Final = ROOT / "benchmarks" / "results" / "prox_rules.md"
DOCUMENTATION: Final = ("msdocs_en", "php_docs", "opentelemetry_docs", "peps", "tldr_pages", "wikitext2")
LICENCES: Final = {"CC-BY-4.0", "CC-BY-3.0"}
NUM_DOCUMENTS: Final = 3000
NUM_PAIRS: Final = 20
CONTEXT: Final = 2

BLOCKS: Final = re.compile(
    "address|article|aside|blockquote|body|br|button|caption|center|dd|details|dialog|div|dl|dt|fieldset|figcaption|"
    "figure|footer|form|h[1-6]|header|hr|legend|li|main|menu|nav|ol|option|p|pre|section|select|summary|table|tbody|td|"
    "tfoot|th|thead|title|tr|ul"
)
UNSEEN: Final = frozenset({"script", "style", "noscript", "template", "svg", "head", "iframe", "textarea"})
SENTENCE_END: Final = re.compile(r"(?<=[.!?。！？])\s+|\n+")  # noqa: RUF001 -- full-width marks are meant
REASON: Final = re.compile(r"start=(\d+), end=(\d+)\)  # (\w+)")


class Dump(HTMLParser):
    """Collects the text of a page: a line for each block element, in the order of the source."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.lines: list[str] = []
        self._line: list[str] = []
        self._unseen: list[str] = []

    def end_line(self) -> None:
        """Ends the line that is being collected."""
        line = " ".join("".join(self._line).split())
        if line:
            self.lines.append(line)
        self._line = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """A block begins a line."""
        del attrs
        if tag in UNSEEN:
            self._unseen.append(tag)
        elif BLOCKS.fullmatch(tag):
            self.end_line()

    def handle_endtag(self, tag: str) -> None:
        """A block ends a line; the head ends all that is not seen."""
        if self._unseen and tag == self._unseen[-1]:
            self._unseen.pop()
        elif BLOCKS.fullmatch(tag):
            self.end_line()
        if tag == "head":
            self._unseen = []

    def handle_data(self, data: str) -> None:
        """Text, unless it is not seen."""
        if not self._unseen:
            self._line.append(data)


def page_text(html: str) -> str:
    """The text of a page, boilerplate and all."""
    dump = Dump()
    dump.feed(html)
    dump.close()
    dump.end_line()
    return "\n".join(dump.lines)


def squeezed(text: str) -> str:
    """The text without whitespace, which dump and expectation set differently."""
    return "".join(text.split())


def rows_of(folder: Path) -> Iterator[dict[str, Any]]:  # Any: values of JSON
    """The rows of a folder of JSON lines."""
    for path in sorted(folder.glob("*.jsonl.zst")):
        with zstandard.open(path, "rt", encoding="utf-8") as lines:
            for line in lines:
                yield json.loads(line)


def programs_for(texts: list[str]) -> list[list[ChunkProgram]]:
    """The programs of each text."""
    batch = pa.record_batch({TEXT: pa.array(texts, TEXT_TYPE)})
    columns = ProxRulePrograms().open()(batch)
    return [[ChunkProgram(**entry) for entry in row or []] for row in columns.column(PROGRAMS).to_pylist()]


def removed_lines(programs: list[ChunkProgram]) -> dict[int, str]:
    """{line: why it goes}."""
    return {
        number: reason
        for program in programs
        for first, last, reason in REASON.findall(program.program)
        for number in range(int(first), int(last) + 1)
    }


def measure(pages: list[dict[str, Any]]) -> dict[str, Any]:  # Any: values of JSON and counts
    """Counts over pages: lines that are not expected, and sentences that are."""
    counts: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    texts = [page_text(page["html"]) for page in pages]
    for page, text, programs in zip(pages, texts, programs_for(texts), strict=True):
        expected = squeezed(page["gold_text"])
        lines = text.split("\n")
        removed = removed_lines(programs)
        after = execute(text, programs, ExecutionRules()).text
        is_absent = [squeezed(line) not in expected for line in lines]
        counts["absent"] += sum(is_absent)
        counts["absent_removed"] += sum(is_absent[number] for number in removed)
        before_squeezed, after_squeezed = squeezed(text), squeezed(after)
        sentences = [squeezed(found) for found in SENTENCE_END.split(page["gold_text"]) if found.strip()]
        there = [sentence for sentence in sentences if sentence in before_squeezed]
        counts["sentences"] += len(there)
        counts["sentences_lost"] += sum(sentence not in after_squeezed for sentence in there)
        counts["edited"] += after != text
        reasons.update(removed.values())
    return {"documents": len(pages), **counts, "reasons": reasons}


def page_rows(pages: list[dict[str, Any]]) -> Iterator[str]:
    """The table over the two halves and all pages."""
    yield "| pages | documents | edited | lines not readable text | of them removed | readable sentences | lost |"
    yield "|---|---|---|---|---|---|---|"
    is_second = [bool(zlib.crc32(page["id"].encode()) & 1) for page in pages]
    halves = (
        ("rules were chosen on", [page for page, second in zip(pages, is_second, strict=True) if not second]),
        ("held out", [page for page, second in zip(pages, is_second, strict=True) if second]),
        ("all", pages),
    )
    for name, part in halves:
        found = measure(part)
        yield (
            f"| {name} | {found['documents']} | {found['edited'] / found['documents']:.0%} | {found['absent']:,} | "
            f"{found['absent_removed'] / found['absent']:.1%} | {found['sentences']:,} | "
            f"{found['sentences_lost'] / found['sentences']:.2%} |"
        )
    reasons = ", ".join(f"{reason} {count:,}" for reason, count in found["reasons"].most_common())
    yield f"\nLines removed of all pages, by reason: {reasons}."


def documentation_rows(pairs: list[str]) -> Iterator[str]:
    """The table over documentation, which has next to no boilerplate; collects pairs on the way."""
    yield "| source | documents | edited | lines | removed | MB/s |"
    yield "|---|---|---|---|---|---|"
    for name in DOCUMENTATION:
        rows = [row for row, _ in zip(rows_of(SHARED / "text" / name), range(NUM_DOCUMENTS), strict=False)]
        texts = [row["text"] for row in rows]
        programs_for(texts[:10])
        started = time.process_time()
        programs = programs_for(texts)
        seconds = time.process_time() - started
        removed = [removed_lines(found) for found in programs]
        num_lines = sum(bool(line.strip()) for text in texts for line in text.split("\n"))
        num_bytes = sum(len(text.encode()) for text in texts)
        yield (
            f"| {name} | {len(rows):,} | {sum(map(bool, removed)) / len(rows):.1%} | {num_lines:,} | "
            f"{sum(map(len, removed)) / num_lines:.3%} | {num_bytes / 1e6 / seconds:.0f} |"
        )
        pairs.extend(
            pair_of(row, found)
            for row, found in zip(rows, removed, strict=True)
            if found and row["license"] in LICENCES
        )


def pair_of(row: dict[str, Any], removed: dict[int, str]) -> str:  # Any: values of JSON
    """The first lines that go of a document, with lines around them that stay."""
    lines = row["text"].split("\n")
    first = min(removed)
    shown = range(max(first - CONTEXT, 0), min(first + 2 * CONTEXT + 1, len(lines)))
    body = [f"{'-' if number in removed else ' '} {lines[number][:100]}" for number in shown]
    reasons = ", ".join(sorted(set(removed.values())))
    return "\n".join(
        [f"{row['source']}, {row['license']}: {len(removed)} lines ({reasons})", "", "~~~diff", *body, "~~~"]
    )


def report() -> Iterator[str]:
    """The page, line by line."""
    pairs: list[str] = []
    yield "# What programs written by rules remove\n"
    yield "<!-- Written by `python -m benchmarks.models.prox_rules`. -->\n"
    yield (
        "`prox_rule_programs` with its defaults, carried out by `prox_execute`, over the 130 pages of Mozilla's\n"
        "Readability test set, dumped as text with all their navigation. A sentence is lost if it stands in the dump\n"
        "and in the readable text, and no more in what is left. A line that a readable text happens to contain\n"
        'anywhere, such as "China" in a menu, does not count as one that should go.\n'
    )
    yield from page_rows(list(rows_of(SHARED / "web" / "html_readability")))
    yield (
        "\nDocumentation has next to nothing that should go: what is removed of it shows what the rules do wrong.\n"
        "Speed is MB of UTF-8 in a second of one CPU, for writing programs.\n"
    )
    yield from documentation_rows(pairs)
    yield (
        f"\n## {NUM_PAIRS} documents before and after\n\n"
        "Of documentation, the first place each, cut at 100 characters a line; lines with a minus go. Under CC BY\n"
        "4.0: Microsoft and contributors (MicrosoftDocs), OpenTelemetry's authors; under CC BY 3.0: the PHP\n"
        "Documentation Group.\n"
    )
    step = max(len(pairs) // NUM_PAIRS, 1)
    yield "\n\n".join(pairs[::step][:NUM_PAIRS])


def main() -> None:
    """Writes the page."""
    RESULT.write_text("\n".join(report()) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
