"""Corpusmill over the damaged files on which other tools were tried: writes benchmarks/results/failures.md.

    python -m benchmarks.failures

The files are made by the script that made them for the others (../shared/peers/make_bad.py), of 100 documents; what the
others did is quoted from ../shared/peers/results.md. Nothing here is judged: the page has exit codes, counts and the
line that a user reads.
"""

import gzip
import json
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Final

import yaml

from benchmarks.real_text import TEXTS, documents
from benchmarks.surroundings import commit
from infra.ray.tree_digest import tree_digest

PEERS: Final = TEXTS.parents[1] / "peers"
FOLDER: Final = "msdocs_en"
PAGE: Final = Path(__file__).parent / "results" / "failures.md"
NUM_DOCUMENTS: Final = 100
NUM_KILLED_OVER: Final = 4000
KILLED_AT: Final = "steps/near.signatures-*/segment-*/*.json"
KILL_AFTER_RECORDS: Final = 4
POLL_SECONDS: Final = 0.005

READ_AND_WRITE: Final = [{"name": "documents", "read": "web", "write": "documents"}]
DEDUPLICATE: Final = [
    *READ_AND_WRITE,
    {"name": "exact", "base": "documents", "exact_deduplication": {}},
    {"name": "near", "base": "documents", "bound": ["exact"], "minhash_deduplication": {}},
]
CASES: Final = {
    "truncated gzip": ("trunc",),
    "one invalid UTF-8 line": ("utf8",),
    "line without text / text null": ("notext", "nulltext"),
    "half a JSON line": ("badjson",),
    "empty (0 byte) .gz": ("empty",),
}
"""Rows of the others' table -> data sets of make_bad.py."""
KILLED: Final = "kill -9 in W1 stage 1, rerun"


_HEADER: Final = """# Failures

Written by `python -m benchmarks.failures` at commit {commit}.

The other columns were measured before, over files that the same script damaged, and are quoted; versions and method
stand beside them in `../shared/peers/results.md`. A good shard of 50 documents and a damaged one of 50; they are not
the documents of the other columns, so a file that breaks off gives another number of them.

In corpusmill every record is kept or quarantined with its place and reason, and a file that cannot be read to its end
is counted as damaged; `corpusmill status` lists both. The default error budget accepts 10 bad rows and one damaged
file; above it the run ends with rc 1. What becomes of other inputs is in
[docs/hostile-input.md](../../docs/hostile-input.md).

"""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What `corpusmill run` said."""

    code: int
    told: str
    """The last line on stderr that is an error's, or the counts."""


def lines(num_documents: int) -> list[bytes]:
    """The first of the real documents, as JSON lines."""
    some = islice(documents(FOLDER), num_documents)
    return [json.dumps({"id": one.id, "text": one.text}, ensure_ascii=False).encode() + b"\n" for one in some]


def recipe(folder: Path, pattern: str, steps: Sequence[dict[str, Any]]) -> Path:
    """A recipe file."""
    data = {
        "name": "failures",
        "sources": {"web": {"paths": pattern}},
        "layout": {"shard_bytes": 1 << 20},
        "steps": list(steps),
    }
    path = folder / "recipe.yaml"
    path.write_text(yaml.safe_dump(data), encoding="utf-8")
    return path


def command(path: Path, output: Path) -> list[str]:
    """`corpusmill run` in one process."""
    return [sys.executable, "-m", "jobs", "run", str(path), "--output", str(output), "--runner", "local", "--json"]


def run(path: Path, output: Path) -> Outcome:
    """Builds a recipe."""
    ended = subprocess.run(command(path, output), capture_output=True, text=True, check=False)
    if ended.returncode:
        errors = [line for line in ended.stderr.splitlines() if line.startswith("corpusmill: ")]
        return Outcome(ended.returncode, errors[-1] if errors else ended.stderr[-300:])
    found = json.loads(ended.stdout)
    reasons = [
        f"{rows} {rule.rsplit('/', 1)[1]}"
        for step in found["steps"]
        for rule, rows in step["rules"].items()
        if "/quarantine/" in rule
    ]
    quarantined = f"{found['rows_quarantined']} quarantined" + (f" ({', '.join(reasons)})" if reasons else "")
    told = f"{found['rows_kept']} documents kept, {quarantined}, damaged files: {found['damaged_files']}"
    return Outcome(0, told)


def damaged(folder: Path) -> dict[str, str]:
    """What was found over each of the data sets."""
    (folder / "corpus/jsonl").mkdir(parents=True)
    (folder / "corpus/jsonl/00000.jsonl.gz").write_bytes(gzip.compress(b"".join(lines(NUM_DOCUMENTS)), mtime=0))
    make = [sys.executable, str(PEERS / "make_bad.py"), str(folder / "corpus"), str(folder / "bad")]
    subprocess.run(make, check=True)
    found = {}
    for row, names in CASES.items():
        told = []
        for name in names:
            outcome = run(recipe(folder, f"bad/{name}/jsonl/*.jsonl.gz", READ_AND_WRITE), folder / f"out-{name}")
            told.append(f"rc {outcome.code}: {outcome.told}")
        found[row] = "; ".join(dict.fromkeys(told))
    return found


def listed(folder: Path) -> str:
    """What became of .jsonl.gz files that nothing is wrong with."""
    outcome = run(recipe(folder, "corpus/jsonl/*.jsonl.gz", READ_AND_WRITE), folder / "out-listed")
    nothing = run(recipe(folder, "corpus/jsonl/*.json", READ_AND_WRITE), folder / "out-nothing")
    return f"rc {outcome.code}: {outcome.told}. With a pattern that matches no file: rc {nothing.code}, {nothing.told}"


def killed(folder: Path) -> str:
    """What became of a deduplication that was killed, and of the same command after it."""
    (folder / "killed").mkdir()
    (folder / "killed/a.jsonl").write_bytes(b"".join(lines(NUM_KILLED_OVER)))
    path = recipe(folder, "killed/*.jsonl", DEDUPLICATE)
    run(path, folder / "undisturbed")
    output = folder / "out-killed"
    process = subprocess.Popen(command(path, output), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while process.poll() is None and len(list(output.glob(KILLED_AT))) < KILL_AFTER_RECORDS:
        time.sleep(POLL_SECONDS)
    process.send_signal(signal.SIGKILL)
    code = process.wait()
    done = len(list(output.glob("steps/*/manifest.json")))
    started = len(list(output.glob("steps/*/segment-*/*.json")))
    outcome = run(path, output)
    is_same = tree_digest(output) == tree_digest(folder / "undisturbed")
    return (
        f"killed (rc {code}) with {done} steps finished and {started} shards of the next one committed; rerun "
        f"rc {outcome.code}: {outcome.told}; every byte of the output "
        f"{'equals' if is_same else 'DOES NOT EQUAL'} that of a run that nobody killed"
    )


def others() -> tuple[list[str], dict[str, list[str]]]:
    """The header and the rows of the others' table, as it stands in their page."""
    text = (PEERS / "results.md").read_text(encoding="utf-8")
    _, _, behind = text.partition("### Failure behaviour")
    rows = [line.strip("|").split(" | ") for line in behind.splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in row] for row in rows if not row[0].startswith("-")]
    return cells[0], {row[0]: row[1:] for row in cells[1:]}


def page(ours: dict[str, str], curator: str) -> Iterator[str]:
    """The page, a line at a time."""
    header, rows = others()
    yield from _HEADER.format(commit=commit()).splitlines()
    yield "| " + " | ".join([header[0], "corpusmill", *header[1:]]) + " |"
    yield "|" + "---|" * (len(header) + 1)
    for name, cells in rows.items():
        yield "| " + " | ".join([name, ours[name], *cells]) + " |"
    yield ""
    yield '`.jsonl.gz` files in NeMo Curator\'s JsonlReader: "Found 0 files", pipeline "completed", rc 0, no output.'
    yield f"In corpusmill: {curator}."


def main() -> None:
    """Measures everything and writes the page."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ours = damaged(folder)
        curator = listed(folder)
        ours[KILLED] = killed(folder)
        told = "\n".join(page(ours, curator)).replace(str(folder), "FOLDER")
    PAGE.write_text(told + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
