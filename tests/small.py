"""A recipe of cheap operators with every shape of plan: rows, columns, exchanges, removals, a copy and a task."""

from collections.abc import Iterable, Sequence
from typing import Any

from pipeline.operator import Resources
from pipeline.plan.logical import (
    ArtifactKind,
    ErrorBudget,
    Exchange,
    Layout,
    Node,
    Operator,
    Recipe,
    Source,
    Step,
    View,
)
from tests.corpus import Record, jsonl
from tests.sample_operators import (
    TEXT_KEY,
    CountRows,
    KeepFirst,
    LongEnough,
    OneLine,
    RankOfText,
    TextFiles,
    TextKey,
    TextLength,
)

_WORDS = ("lamp", "stone", "water", "cloud", "paper", "grass", "clock", "bread", "salt", "wool")


def text_of(number: int) -> str:
    """A text; each tenth is a copy of an earlier one, each seventh is short."""
    if number % 10 == 9:
        return text_of(number - 8)
    length = 3 if number % 7 == 6 else 20 + number % 11
    words = [_WORDS[(number * (place + 3) + place * place) % 10] for place in range(length)]
    return f"Page {number}\n" + " ".join(words)


def lines(numbers: Iterable[int]) -> bytes:
    """A JSONL file of these texts."""
    return jsonl([Record(f"n{number}", text_of(number)).line() for number in numbers])


def small_files(num_documents: int = 240, num_files: int = 6) -> dict[str, bytes]:
    """Input files for `small`."""
    per_file = num_documents // num_files
    return {f"docs/{file}.jsonl": lines(range(file * per_file, (file + 1) * per_file)) for file in range(num_files)}


def over_sources(paths: str = "docs/*", *, shard_bytes: int = 1 << 13, **settings: Any) -> Recipe:
    """`keys`, `copies`, `short`, `count` and `kept` over the source itself: text is read again only by the last two.

    The same documents stay as in `small`, but for the lines that it joins.
    """
    return Recipe(
        name="over_sources",
        sources={"docs": Source(paths=(paths,), columns={"year": "int64"}, **settings)},
        steps=(
            _of_docs("keys", TextKey(), write=ArtifactKind.COLUMNS),
            _of_docs("copies", Exchange(key=TEXT_KEY), KeepFirst(), write=ArtifactKind.REMOVALS, bound=("keys",)),
            _of_docs("count", CountRows(), write=ArtifactKind.MODEL, bound=("copies",)),
            _of_docs("short", LongEnough(min_chars=40), write=ArtifactKind.REMOVALS, bound=("copies",)),
            _of_docs("kept", TextLength(), write=ArtifactKind.DOCUMENTS, bound=("copies", "short")),
        ),
        layout=Layout(shard_bytes=shard_bytes, row_group_rows=30, partition_bytes=1 << 14),
        error_budget=ErrorBudget(max_bad_fraction=0.2),
    )


def _of_docs(name: str, *nodes: Node, write: ArtifactKind, bound: tuple[str, ...] = ()) -> Step:
    return Step(name=name, view=View(sources=("docs",), bound=bound), nodes=nodes, write=write)


def read(
    *operators: Operator,
    paths: tuple[str, ...] = ("docs/*",),
    shard_bytes: int = 1 << 14,
    error_budget: ErrorBudget | None = None,
    more: Sequence[Step] = (),
    resources: dict[str, Resources] | None = None,
) -> Recipe:
    """A recipe whose step `documents` reads the source `docs` through operators, and then `more`."""
    first = Step(
        name="documents",
        view=View(sources=("docs",)),
        nodes=operators,
        write=ArtifactKind.DOCUMENTS,
        resources=resources or {},
    )
    return Recipe(
        name="small",
        sources={"docs": Source(paths=paths, columns={"year": "int64"})},
        steps=(first, *more),
        layout=Layout(shard_bytes=shard_bytes, row_group_rows=30, partition_bytes=1 << 14),
        error_budget=error_budget or ErrorBudget(),
    )


def small(*, shard_bytes: int = 1 << 13, error_budget: ErrorBudget | None = None) -> Recipe:
    """The recipe: `documents`, `keys`, `ranks`, `copies`, `kept`, `lengths`, `count` and `files`."""
    return read(
        OneLine(),
        LongEnough(min_chars=40),
        shard_bytes=shard_bytes,
        error_budget=error_budget,
        more=(
            Step(name="keys", view=View(base="documents"), nodes=(TextKey(),), write=ArtifactKind.COLUMNS),
            Step(
                name="ranks",
                view=View(base="documents", bound=("keys",)),
                nodes=(Exchange(key=TEXT_KEY), RankOfText()),
                write=ArtifactKind.COLUMNS,
            ),
            Step(
                name="copies",
                view=View(base="documents", bound=("keys",)),
                nodes=(Exchange(key=TEXT_KEY), KeepFirst()),
                write=ArtifactKind.REMOVALS,
            ),
            Step(
                name="kept",
                view=View(base="documents", bound=("copies",)),
                write=ArtifactKind.DOCUMENTS,
                columns=("doc_id", "input_id", "text"),
            ),
            Step(name="lengths", view=View(base="kept"), nodes=(TextLength(),), write=ArtifactKind.COLUMNS),
            Step(name="count", view=View(base="kept"), nodes=(CountRows(),), write=ArtifactKind.MODEL),
            Step(name="files", view=View(base="kept"), nodes=(TextLength(), TextFiles()), write=ArtifactKind.FILES),
        ),
    )
