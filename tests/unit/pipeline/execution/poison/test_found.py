"""A row that is found is written down, told of, and counted."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from pipeline.errors import RunnerError
from pipeline.execution.commit import StepFolder
from pipeline.execution.poison.found import MAX_POISON_ROWS, FoundPoison
from pipeline.execution.poison.rows import Harm, PoisonRow
from pipeline.execution.runner import Event
from pipeline.execution.work import SourceShard, Unit


def unit(index: int = 3) -> Unit:
    return Unit(index, ("",), SourceShard(SimpleNamespace(), {}, SimpleNamespace()))  # type: ignore[arg-type]


def row(number: int) -> PoisonRow:
    return PoisonRow(number, "bad", Harm.CRASHED, "SIGSEGV")


def test_a_row_is_there_for_the_next_run(tmp_path: Path) -> None:
    folder = StepFolder(tmp_path, "documents", "0123456789abcdef")
    spec = SimpleNamespace(folder=folder, segment=1, fallbacks=("x",), label="step documents, stage bad")
    events: list[Event] = []
    found = FoundPoison(events.append)
    first = found.add(spec, unit(), row(14))  # type: ignore[arg-type]
    again = found.add(spec, first, row(7))  # type: ignore[arg-type]
    assert again.poison == (row(14), row(7))
    assert folder.poison(1, ("x",)) == {3: (row(7), row(14))}
    assert folder.poison(1, ()) == folder.poison(0, ("x",)) == {}, "other operators, and other rows"
    assert [event.message for event in events] == [
        f"row {number} of unit 3 is quarantined: operator bad crashed (SIGSEGV)" for number in (14, 7)
    ]


def test_a_unit_may_have_so_many_and_each_unit_for_itself(tmp_path: Path) -> None:
    folder = StepFolder(tmp_path, "documents", "0123456789abcdef")
    spec = SimpleNamespace(folder=folder, segment=0, fallbacks=(), label="step documents, stage bad")
    found = FoundPoison(lambda _: None)
    found.add(spec, unit(2), row(1))  # type: ignore[arg-type]
    for number in range(MAX_POISON_ROWS):
        found.add(spec, unit(), row(number))  # type: ignore[arg-type]
    with pytest.raises(RunnerError, match=r"unit 3: expected at most 20 rows .*; found 21, last row 50, operator bad"):
        found.add(spec, unit(), row(50))  # type: ignore[arg-type]
    assert len(folder.poison(0, ())[3]) == MAX_POISON_ROWS + 1, "the next run goes on behind them"
