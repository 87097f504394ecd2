"""What is left of a build's documents, whatever its last step writes."""

from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.operator import FileRef
from pipeline.plan.logical import ArtifactKind, Exchange, Node, Recipe, Source, Step, View
from pipeline.report.funnel import Funnel
from pipeline.run import run_recipe
from tests.corpus import Record, jsonl
from tests.unit.pipeline.sample_operators import (
    KEY,
    AddKey,
    ByFile,
    CountKeys,
    FirstRows,
    KeepFirst,
    MinChars,
    TotalChars,
)

TEXTS = ("first", "second one", "first", "no", "second one", "third one")
"""Three different texts of at least five characters, and a short one."""

FunnelOf = Callable[..., Funnel]


@pytest.fixture
def funnel_of(tmp_path: Path) -> FunnelOf:
    """The funnel of a build: a read step called `documents`, and then the steps given. No document is lost in it."""
    (tmp_path / "a.jsonl").write_bytes(jsonl([Record(str(n), text).line() for n, text in enumerate(TEXTS)]))
    (tmp_path / "b.jsonl").write_bytes(jsonl([Record("x", "another one").line(), Record("y", "so").line(), b"{bad"]))
    read = Step(name="documents", view=View(sources=("docs",)), write=ArtifactKind.DOCUMENTS)

    def build(*steps: Step) -> Funnel:
        sources = {"docs": Source(paths=("a.jsonl",)), "others": Source(paths=("b.jsonl",))}
        recipe = Recipe(name="small", sources=sources, steps=(read, *steps))
        found = run_recipe(recipe, tmp_path / "out", directory=tmp_path).funnel
        assert found.rows_in == found.rows_kept + found.rows_dropped + found.rows_quarantined
        return found

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
    assert counts(funnel_of(SHORT, SHORT_TOO)) == (6, 1, 5)
    end = over("end", write=ArtifactKind.DOCUMENTS, bound=("short", "short_too"))
    assert counts(funnel_of(SHORT, SHORT_TOO, end)) == (6, 1, 5)


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
    assert counts(funnel_of(keys, short, once)) == (12, 3, 9), "the copied documents are another end"


def test_rows_that_left_an_exchange_are_no_documents(funnel_of: FunnelOf) -> None:
    table = over("table", Exchange(key=KEY), CountKeys(), write=ArtifactKind.TABLE, bound=("keys",))
    assert counts(funnel_of(KEYS, table)) == (6, 0, 6)
    copy = over("kept", write=ArtifactKind.DOCUMENTS, bound=("short",))
    assert counts(funnel_of(SHORT, copy, KEYS, table)) == (6, 1, 5)


def test_what_a_shard_operator_took_in_is_kept(funnel_of: FunnelOf) -> None:
    packed = over("packed", FirstRows(count=1), write=ArtifactKind.TABLE, bound=("short",))
    assert counts(funnel_of(SHORT, packed)) == (6, 1, 5)


def test_each_source_with_a_step_of_its_own_has_its_own_end(funnel_of: FunnelOf) -> None:
    others = Step(name="others", view=View(sources=("others",)), write=ArtifactKind.DOCUMENTS)
    assert counts(funnel_of(others)) == (9, 0, 8)
    long_others = over("long_others", MinChars(min_chars=5), write=ArtifactKind.DOCUMENTS, base="others")
    found = funnel_of(others, SHORT, long_others)
    assert counts(found) == (9, 2, 6)
    assert found.rows_quarantined == 1


def test_a_document_is_kept_if_any_of_several_last_steps_has_it(funnel_of: FunnelOf) -> None:
    five = over("five", MinChars(min_chars=5), write=ArtifactKind.DOCUMENTS)
    ten = over("ten", MinChars(min_chars=10), write=ArtifactKind.DOCUMENTS)
    assert counts(funnel_of(five, ten)) == (6, 1, 5)
    assert counts(funnel_of(ten, five)) == (6, 1, 5)
    nine = over("nine", MinChars(min_chars=9), write=ArtifactKind.REMOVALS, base="five")
    assert counts(funnel_of(five, ten, nine)) == (6, 3, 3)


def test_branches_behind_a_common_step_count_from_there_on(funnel_of: FunnelOf) -> None:
    copy = over("copy", write=ArtifactKind.DOCUMENTS, bound=("short",))
    ten = over("ten", MinChars(min_chars=10), write=ArtifactKind.DOCUMENTS, base="copy")
    nine = over("nine", MinChars(min_chars=9), write=ArtifactKind.DOCUMENTS, base="copy")
    packed = over("packed", FirstRows(count=1), write=ArtifactKind.TABLE, base="nine")
    assert counts(funnel_of(SHORT, copy, ten, nine, packed)) == (6, 3, 3)


def test_documents_that_another_step_needs_are_no_end(funnel_of: FunnelOf) -> None:
    sample = over("sample", write=ArtifactKind.DOCUMENTS)
    learnt = over("learnt", TotalChars(), write=ArtifactKind.MODEL, base="sample")
    long = over("long", MinChars(min_chars=9), write=ArtifactKind.DOCUMENTS)
    assert counts(funnel_of(sample, learnt, long)) == (6, 0, 6), "nobody reads the model"
    by_file = ByFile(words=FileRef(uri="step:learnt/total.txt"))
    needs_it = long.model_copy(update={"nodes": (by_file, *long.nodes)})
    assert counts(funnel_of(sample, learnt, needs_it)) == (6, 3, 3)


def test_documents_that_are_only_a_models_went_into_it(funnel_of: FunnelOf) -> None:
    learnt = over("learnt", TotalChars(), write=ArtifactKind.MODEL)
    assert counts(funnel_of(learnt)) == (6, 0, 6)
