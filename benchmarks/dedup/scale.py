"""What near-duplicate removal takes at 1, 10 and 100 billion documents: writes the tables of docs/scale.md.

    python -m benchmarks.dedup.scale [RESULT] [--write]

Bytes follow from the types of the columns that travel and are kept. Core-hours follow from the seconds that each step
took for each document of the largest corpus in RESULT (results/dedup.json if not given), and grow with them.
"""

import argparse
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from benchmarks.surroundings import ROOT

PAGE: Final = ROOT / "docs/scale.md"
RESULT: Final = ROOT / "benchmarks/results/dedup.json"
BILLIONS: Final = (1, 10, 100)

TEXT_BYTES: Final = 4096
"""Of a document."""
COMPANY: Final = 0.6
"""Share of documents in a cluster. Removing near-duplicates halved the tokens of SlimPajama (Cerebras 2023), and each
cluster keeps one at least."""
NUM_BANDS: Final = 14
NUM_VALUES: Final = 112

BUCKETS_BYTES: Final = 8 * NUM_BANDS
SIGNATURE_BYTES: Final = 2 * NUM_VALUES
POSITION_BYTES = CLUSTER_BYTES = 8
DOC_ID_BYTES: Final = 16
BUCKET_ROW_BYTES: Final = 8 + POSITION_BYTES
EDGE_BYTES: Final = 2 * POSITION_BYTES
MEMBER_BYTES: Final = CLUSTER_BYTES + POSITION_BYTES + DOC_ID_BYTES + BUCKETS_BYTES + SIGNATURE_BYTES
DECISION_BYTES: Final = POSITION_BYTES + 2 * DOC_ID_BYTES + POSITION_BYTES + 4 * 4
"""Position, survivor and cluster's id, candidate, and four numbers of 4 bytes."""

SLICE_BYTES: Final = 64 << 10
"""What a partition should find in one file at least: smaller reads cost more than what they bring."""
REDUCE_BYTES: Final = {1: 1 << 30, 10: 2 << 30, 100: 8 << 30}
"""Bytes of a partition of the buckets' exchange that are aimed at, by billions of documents."""
SMALL_NODE_DOCUMENTS: Final = 1 << 32
"""Up to here a document's number has 4 bytes, above 8; its cluster's size has 4."""

GROUPS: Final = {
    "read, and sign": ("near.signatures",),
    "buckets to edges": ("near.edges",),
    "edges to clusters": ("near.clusters",),
    "decide": ("near.decisions", "near"),
    "write what is left": ("clean",),
}
TEXT_GROUPS: Final = ("read, and sign", "write what is left")
"""Whose time grows with the length of texts."""


@dataclass(frozen=True, slots=True)
class Scale:
    """So many documents."""

    billions: int

    @property
    def documents(self) -> int:
        """How many."""
        return self.billions * 10**9

    @property
    def members(self) -> float:
        """Documents in clusters."""
        return COMPANY * self.documents

    @property
    def bucket_bytes(self) -> int:
        """Through the exchange by bucket, if no document shares a bucket inside its chunk."""
        return self.documents * NUM_BANDS * BUCKET_ROW_BYTES

    @property
    def num_partitions(self) -> int:
        """Of every exchange."""
        return math.ceil(self.bucket_bytes / REDUCE_BYTES[self.billions])

    @property
    def partition_text_bytes(self) -> int:
        """`layout.partition_bytes`, which counts input."""
        return math.ceil(self.documents * TEXT_BYTES / self.num_partitions)

    @property
    def shard_text_bytes(self) -> int:
        """`layout.shard_bytes`: so much that each partition finds a slice worth reading."""
        documents = SLICE_BYTES * self.num_partitions / (NUM_BANDS * BUCKET_ROW_BYTES)
        return max(256 << 20, math.ceil(documents * TEXT_BYTES))

    @property
    def num_shards(self) -> int:
        """Of the sources."""
        return math.ceil(self.documents * TEXT_BYTES / self.shard_text_bytes)

    @property
    def forest_bytes(self) -> int:
        """Of clusters found in one process: a parent and a size for each document."""
        return self.documents * (8 if self.documents <= SMALL_NODE_DOCUMENTS else 12)


def bytes_table() -> str:
    """What is read, kept, and sent."""
    scales = [Scale(billions) for billions in BILLIONS]
    rows = [
        ("text read", [_size(scale.documents * TEXT_BYTES) for scale in scales]),
        ("kept: buckets and signatures", [_size(s.documents * (BUCKETS_BYTES + SIGNATURE_BYTES)) for s in scales]),
        ("exchange by bucket, at most", [_size(scale.bucket_bytes) for scale in scales]),
        ("edges, at most", [_size(scale.members * NUM_BANDS / 2 * EDGE_BYTES) for scale in scales]),
        ("one round of clusters, if rounds are needed", [_size(scale.members * 4 * EDGE_BYTES) for scale in scales]),
        ("exchange by cluster", [_size(scale.members * MEMBER_BYTES) for scale in scales]),
        ("exchange home, and kept: decisions", [_size(scale.members * DECISION_BYTES) for scale in scales]),
        ("partitions", [f"{scale.num_partitions:,}" for scale in scales]),
        ("shards of the sources", [f"{scale.num_shards:,}" for scale in scales]),
        ("range reads of an exchange", [_count(scale.num_shards * scale.num_partitions) for scale in scales]),
        ("`layout.partition_bytes`", [_size(scale.partition_text_bytes) for scale in scales]),
        ("`layout.shard_bytes`", [_size(scale.shard_text_bytes) for scale in scales]),
        ("a map task's rows by bucket, in memory", [_size(_map_bytes(scale)) for scale in scales]),
        ("a partition by bucket", [_size(REDUCE_BYTES[scale.billions]) for scale in scales]),
        ("a partition by cluster", [_size(scale.members * MEMBER_BYTES / scale.num_partitions) for scale in scales]),
        ("clusters in one process, in memory", [_size(scale.forest_bytes) for scale in scales]),
    ]
    return _table("per run", rows)


def hours_table(result: dict[str, Any]) -> str:  # Any: parsed JSON
    """Core-hours of each group of steps, from what the largest corpus took."""
    corpus, run = _measured(result)
    steps = run["steps"]
    computing = run["cpu_seconds"] / run["wall_seconds"]  # the core may have had other work too
    documents = corpus["documents"]
    scaled_text = TEXT_BYTES / (corpus["text_bytes"] / documents)
    rows = []
    totals = [0.0] * len(BILLIONS)
    for group, names in GROUPS.items():
        seconds = sum(steps[name]["seconds"] for name in names if name in steps) * computing / documents
        if group in TEXT_GROUPS:
            seconds *= scaled_text
        hours = [seconds * Scale(billions).documents / 3600 for billions in BILLIONS]
        totals = [total + hour for total, hour in zip(totals, hours, strict=True)]
        rows.append((f"{group}: {seconds * 1e6:.1f} µs a document", [_hours(hour) for hour in hours]))
    rows.append(("all", [_hours(total) for total in totals]))
    measured = f"Measured over {documents:,} documents of {corpus['text_bytes'] / documents:,.0f} bytes"
    return f"{_table('core-hours', rows)}\n{measured}; {result['machine']['cpu']}; commit {result['commit'][:12]}.\n"


def page_with(page: str, name: str, table: str) -> str:
    """The page with the table between the marks of this name."""
    begin, end = f"<!-- {name}: generated -->\n", f"<!-- {name}: end -->"
    before, found, rest = page.partition(begin)
    if not found or end not in rest:
        raise SystemExit(f"{PAGE.name}: expected the marks {begin.strip()!r} and {end!r}; found none; add them")
    return f"{before}{begin}{table}{end}{rest.partition(end)[2]}"


def write_page(result: dict[str, Any]) -> None:  # Any: parsed JSON
    """Puts both tables into the page."""
    page = page_with(PAGE.read_text(), "bytes", bytes_table())
    PAGE.write_text(page_with(page, "core-hours", hours_table(result)))


def _measured(result: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:  # Any: parsed JSON
    """The largest corpus with planted documents, and the last run over it."""
    largest = list(result["speed"]["corpora"].values())[-1]
    return largest["corpus"], largest["tools"]["ours"]["runs"][-1]


def _map_bytes(scale: Scale) -> int:
    return math.ceil(scale.shard_text_bytes / TEXT_BYTES) * NUM_BANDS * BUCKET_ROW_BYTES


def _table(corner: str, rows: Sequence[tuple[str, Sequence[str]]]) -> str:
    titles = [f"{billions} billion" for billions in BILLIONS]
    lines = [f"| {corner} | {' | '.join(titles)} |", "|---|" + "---:|" * len(titles)]
    return "\n".join([*lines, *(f"| {name} | {' | '.join(cells)} |" for name, cells in rows)]) + "\n"


def _size(num_bytes: float) -> str:
    """Three digits and a decimal unit."""
    for unit in ("MB", "GB", "TB", "PB"):
        num_bytes /= 1000 if unit != "MB" else 1e6
        if num_bytes < 999.5:
            return f"{num_bytes:.3g} {unit}"
    return f"{num_bytes:,.0f} PB"


def _count(number: int) -> str:
    return f"{number / 1e6:.3g} million"


def _hours(hours: float) -> str:
    return f"{hours:.2g}" if hours < 10 else f"{float(f'{hours:.2g}'):,.0f}"


def main() -> None:
    """Prints both tables, or writes them into the page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.dedup.scale", description="Tables of docs/scale.md.")
    parser.add_argument("result", type=Path, nargs="?", default=RESULT, help="a result of benchmarks.dedup.run")
    parser.add_argument("--write", action="store_true", help="put them into docs/scale.md")
    options = parser.parse_args()
    result = json.loads(options.result.read_text())
    if options.write:
        write_page(result)
    else:
        print(bytes_table(), hours_table(result), sep="\n")


if __name__ == "__main__":
    main()
