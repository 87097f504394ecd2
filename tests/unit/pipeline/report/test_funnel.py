"""What is left of a build's documents, whatever its last step writes."""

from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.plan.logical import ArtifactKind, Exchange, Node, Recipe, Source, Step, View
from pipeline.report.funnel import Funnel
from pipeline.run import run_recipe
from tests.corpus import Record, jsonl
from tests.unit.pipeline.sample_operators import KEY, AddKey, CountKeys, FirstRows, KeepFirst, MinChars

TEXTS = ("first", "second one", "first", "no", "second one", "third one")
"""Three different texts of at least five characters, and a short one."""

FunnelOf = Callable[..., Funnel]


@pytest.fixture
def funnel_of(tmp_path: Path) -> FunnelOf:
    """The funnel of a build: a read step called `documents`, and then the steps given."""
    (tmp_path / "a.jsonl").write_bytes(jsonl([Record(str(n), text).line() for n, text in enumerate(TEXTS)]))
    read = Step(name="documents", view=View(sources=("docs",)), write=ArtifactKind.DOCUMENTS)

    def build(*steps: Step) -> Funnel:
        recipe = Recipe(name="small", sources={"docs": Source(paths=("a.jsonl",))}, steps=(read, *steps))
        return run_recipe(recipe, tmp_path / "out", directory=tmp_path).funnel

    return build


def over(name: str, *nodes: Node, write: ArtifactKind, bound: tuple[str, ...] = (), base: str = "documents") -> Step:
    return Step(name=name, view=View(base=base, bound=bound), nodes=nodes, write=write)


KEYS = over("keys", AddKey(), write=ArtifactKind.COLUMNS)
COPIES = over("copies", Exchange(key=KEY), KeepFirst(), write=ArtifactKind.REMOVALS, bound=("keys",))
SHORT = over("short", MinChars(min_chars=5), write=ArtifactKind.REMOVALS)
SHORT_TOO = over("short_too", MinChars(min_chars=5), write=ArtifactKind.REMOVALS)


def counts(funnel: Funnel) -> tuple[int, int, int]:
    return funnel.rows_in, funnel.rows_dropped, funnel.rows_kept


def test_removals_that_nothing_follows_count(funnel_of: FunnelOf) -> None:
    assert counts(funnel_of()) == (6, 0, 6)
    assert counts(funnel_of(KEYS, COPIES)) == (6, 2, 4)
    assert counts(funnel_of(KEYS, COPIES, SHORT)) == (6, 3, 3)


def test_a_row_that_two_steps_remove_is_gone_once(funnel_of: FunnelOf) -> None:
    assert counts(funnel_of(SHORT, SHORT_TOO)) == (6, 2, 5)


def test_rows_that_were_kept_from_a_side_view_alone_went_on(funnel_of: FunnelOf) -> None:
    long = over("long", MinChars(min_chars=10), write=ArtifactKind.REMOVALS, bound=("short",))
    end = over("end", write=ArtifactKind.DOCUMENTS, bound=("short",))
    assert counts(funnel_of(SHORT, long, end)) == (6, 1, 5)
    both = over("both", write=ArtifactKind.DOCUMENTS, bound=("short", "long"))
    assert counts(funnel_of(SHORT, long, both)) == (6, 4, 2)


def test_records_that_several_steps_read_for_the_first_time_count_once(funnel_of: FunnelOf) -> None:
    source = View(sources=("docs",))
    short = Step(name="read_short", view=source, nodes=(MinChars(min_chars=5),), write=ArtifactKind.REMOVALS)
    keys = Step(name="read_keys", view=source, nodes=(AddKey(),), write=ArtifactKind.COLUMNS)
    once = Step(
        name="read_once",
        view=source.binding("read_keys", "read_short"),
        nodes=(Exchange(key=KEY), KeepFirst()),
        write=ArtifactKind.REMOVALS,
    )
    assert counts(funnel_of(keys, short, once)) == (12, 3, 6), "the copied documents are another end"


def test_rows_that_left_an_exchange_are_no_documents(funnel_of: FunnelOf) -> None:
    table = over("table", Exchange(key=KEY), CountKeys(), write=ArtifactKind.TABLE, bound=("keys",))
    assert counts(funnel_of(KEYS, table)) == (6, 0, 6)
    copy = over("kept", write=ArtifactKind.DOCUMENTS, bound=("short",))
    assert counts(funnel_of(SHORT, copy, KEYS, table)) == (6, 1, 5)


def test_what_a_shard_operator_took_in_is_kept(funnel_of: FunnelOf) -> None:
    packed = over("packed", FirstRows(count=1), write=ArtifactKind.TABLE, bound=("short",))
    assert counts(funnel_of(SHORT, packed)) == (6, 1, 5)
