"""Whether `tokenize` gives the ids of `tokenizers` for every document of ../shared/data/text.

    python -m benchmarks.tokens.identity [--tokenizers gpt-neox-20b,...] [--every N] [--output FILE]

Each document is encoded by `tokenizers` itself, by `tokenize` with its guard, and by each engine alone. `tokenizers`
takes some six minutes of a core for all 541 MB, which is why `--every` may take each N-th document only.
"""

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa

from benchmarks.real_text import TEXTS, documents
from benchmarks.surroundings import ROOT, commit, machine
from operators.tokenize.encoded import Encoded, from_documents
from operators.tokenize.engines import ENGINES, loaded_tokenizer, reference_version
from operators.tokenize.reference import encode_texts, use_one_core
from operators.tokenize.tokenizer import TOKENS, Tokenize
from pipeline.document import IdHasher
from pipeline.errors import FallBackNeeded, PlanError
from pipeline.operator import AnnotateFunction, FileRef

TOKENIZERS: Final = ROOT.parent / "shared/data/tokenizers"
NAMES: Final = ("gpt-neox-20b", "gpt2", "smollm2", "stories260k")
TABLE: Final = ROOT / "benchmarks/results/token_identity.md"
GUARDED: Final = "guarded"
BATCH_BYTES: Final = 1 << 22


@dataclass(slots=True)
class Totals:
    """What was compared."""

    documents: int = 0
    text_bytes: int = 0
    tokens: int = 0


@dataclass(slots=True)
class Compared:
    """What came of one way to encode."""

    what: str
    made_with: str
    annotate: AnnotateFunction | None
    num_differing: int = 0
    note: str = ""

    def described(self) -> dict[str, Any]:  # Any: what json.dumps takes
        """Plain data."""
        caught = self.annotate is None
        differing = 0 if caught and self.what == GUARDED else None if caught else self.num_differing
        return {"what": self.what, "made_with": self.made_with, "differing_documents": differing, "note": self.note}

    def row(self, tokenizer: str, totals: Totals) -> str:
        """A row of the table."""
        total = f"{totals.documents:,} | {totals.text_bytes / 1e6:,.0f} | {totals.tokens / 1e6:,.1f}"
        differing = self.described()["differing_documents"]
        note = self.note or ("nothing caught" if self.what == GUARDED else "")
        return (
            f"| {tokenizer} | {self.what}: {self.made_with} | {total} | {'-' if differing is None else differing} | "
            f"{note} |"
        )

    def compare(self, batch: pa.RecordBatch, expected: Encoded) -> None:
        """Counts the documents of a batch that get other ids than expected."""
        if self.annotate is None:
            return
        tokens = self.annotate(batch)[TOKENS]
        bounds, ids = tokens.offsets.to_numpy(), tokens.values.to_numpy()
        if np.array_equal(bounds, expected.bounds) and np.array_equal(ids, expected.ids):
            return
        pairs = zip(np.split(ids, bounds[1:-1]), np.split(expected.ids, expected.bounds[1:-1]), strict=True)
        self.num_differing += sum(not np.array_equal(*pair) for pair in pairs)


def batches(every: int) -> Iterator[pa.RecordBatch]:
    """Each N-th document of every folder, some megabytes at a time."""
    for folder in sorted(path.name for path in TEXTS.iterdir() if path.is_dir()):
        hasher, texts, num_bytes, place = IdHasher("identity", folder), list[str](), 0, 0
        for document in islice(documents(folder), 0, None, every):
            texts.append(document.text)
            num_bytes += len(document.text)
            if num_bytes > BATCH_BYTES:
                yield _batch(hasher, texts, place)
                place, num_bytes = place + len(texts), 0
                texts = []
        if texts:
            yield _batch(hasher, texts, place)


def _batch(hasher: IdHasher, texts: list[str], place: int) -> pa.RecordBatch:
    doc_ids = hasher.many(range(place, place + len(texts)))
    return pa.record_batch({"doc_id": doc_ids, "text": pa.array(texts, pa.large_string())})


def opened(what: str, operator: Tokenize) -> Compared:
    """One way to encode, ready to."""
    try:
        return Compared(what, operator.made_with(), operator.open())
    except PlanError as error:
        return Compared(what, operator.engine, None, note=str(error).partition("found that ")[2].partition(";")[0])


def identity(name: str, every: int) -> tuple[list[Compared], Totals]:
    """Every way to encode with one tokenizer, compared."""
    file = FileRef(uri=name).pin(TOKENIZERS / name / "tokenizer.json")
    ways = [opened(GUARDED, Tokenize(tokenizer=file, append_eos=False))]
    ways += [
        opened("alone", Tokenize(tokenizer=file, append_eos=False, engine=engine, check_share=0)) for engine in ENGINES
    ]
    reference = loaded_tokenizer(file, "tokenizers", reads_special=False).reference
    totals = Totals()
    for batch in batches(every):
        expected = from_documents(encode_texts(reference, batch["text"].to_pylist()))
        for way in ways:
            try:
                way.compare(batch, expected)
            except FallBackNeeded as error:
                way.note = f"the guard caught it after {totals.documents} documents: {error.reason}"
                way.annotate = None
        totals.documents += batch.num_rows
        totals.text_bytes += batch["text"].nbytes
        totals.tokens += expected.ids.size
    return ways, totals


def identity_figures(names: Sequence[str] = NAMES, every: int = 1, table: Path = TABLE) -> dict[str, Any]:
    """Compares, writes the table, and gives its numbers: Any is what json.dumps takes.

    `differing_documents` are those of the operator as recipes get it, of all tokenizers together. Where its guard
    catches an engine, the step is made with `tokenizers` itself, so no document differs.
    """
    found: dict[str, Any] = {}
    rows = []
    for name in names:
        ways, totals = identity(name, every)
        found[name] = {**asdict(totals), "ways": [way.described() for way in ways]}
        rows += [way.row(name, totals) for way in ways]
    table.write_text(_page(names, every, rows), encoding="utf-8")
    guarded = [way["differing_documents"] for one in found.values() for way in one["ways"] if way["what"] == GUARDED]
    return {"every": every, "differing_documents": sum(guarded), "tokenizers": found}


def _page(names: Sequence[str], every: int, rows: Sequence[str]) -> str:
    share = "all documents" if every == 1 else f"each {every}th document"
    return (
        f"# Ids of `tokenize` against {reference_version()}\n\n"
        f"`python -m benchmarks.tokens.identity --tokenizers {','.join(names)} --every {every}`, "
        f"{datetime.now(UTC):%Y-%m-%d},\n{machine()['cpu']}, commit {commit()}:\n{share} of every folder of "
        "`shared/data/text`. The guarded engine is the operator as recipes get it;\nalone it goes without the share of "
        "documents that is checked. What an engine refuses is encoded by `tokenizers`.\n\n"
        "| tokenizer | encoded by | documents | MB | million tokens | differing documents | what the guard caught |\n"
        "|---|---|---|---|---|---|---|\n" + "\n".join(rows) + "\n"
    )


def main() -> None:
    """Writes the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tokenizers", default=",".join(NAMES))
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--output", type=Path, default=TABLE)
    asked = parser.parse_args()
    if not TEXTS.is_dir() or not TOKENIZERS.is_dir():
        raise SystemExit(f"expected documents at {TEXTS} and tokenizers at {TOKENIZERS}; found none")
    use_one_core()
    print(json.dumps(identity_figures(asked.tokenizers.split(","), asked.every, asked.output), indent=1))


if __name__ == "__main__":
    main()
