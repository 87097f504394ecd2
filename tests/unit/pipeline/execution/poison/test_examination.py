"""Whom an examination blames. Processes are played: what they would do is told."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from pipeline.errors import RunnerError
from pipeline.execution.poison.examination import MAX_DEATHS, POISON_ATTEMPTS, Examiner
from pipeline.execution.poison.examined import Death
from pipeline.execution.poison.progress import Activity, Mark
from pipeline.execution.poison.rows import Harm, Isolation, PoisonRow, RowRange, TrialPassedError
from pipeline.execution.work import SourceShard, Unit

BATCH = (10, 19)
UNIT = Unit(3, ("",), SourceShard(SimpleNamespace(), {}, SimpleNamespace()))  # type: ignore[arg-type]
DONE: Any = ("records",)
POISON = PoisonRow(14, "bad", Harm.CRASHED, "SIGSEGV")


def death(
    first: int, last: int, *, activity: Activity = Activity.ROWS, harm: Harm = Harm.CRASHED, own: bool = True
) -> Death:
    mark = Mark(activity, 3, "bad" if activity is not Activity.BETWEEN else "", first, last, last - first + 1, own)
    return Death(harm, "SIGSEGV" if harm is Harm.CRASHED else "", mark)


class Played:
    """Plays a stage whose operator `bad` is called with rows 10 to 19."""

    def __init__(self, answer: Callable[[Isolation, int], Any]) -> None:
        self._answer = answer
        self.seen: list[Isolation] = []

    def run(self, unit: Unit, given: object, isolation: Isolation) -> Any:
        assert unit is UNIT
        assert given is None
        self.seen.append(isolation)
        return self._answer(isolation, len(self.seen))

    def close(self) -> None:
        """Nothing runs."""


def examine(answer: Callable[[Isolation, int], Any]) -> tuple[Any, list[Isolation]]:
    """What the examiner finds, and what it had processes do."""
    examiner = Examiner(SimpleNamespace(label="step documents, stage bad"))  # type: ignore[arg-type]
    examiner.close()
    played = Played(answer)
    examiner._process = played  # type: ignore[assignment]
    return examiner.run(UNIT, None), played.seen


def dies_at(row: int, activity: Activity = Activity.ROWS) -> Callable[[Isolation, int], Any]:
    """A process that one row ends, in any company."""

    def answer(isolation: Isolation, turn: int) -> Any:
        del turn
        if isolation.alone is not None:
            if isolation.alone.first == row:
                return death(row, row, activity=activity)
            raise TrialPassedError
        return death(row, row, activity=activity) if isolation.singly else death(*BATCH, activity=activity)

    return answer


@pytest.mark.parametrize("activity", [Activity.ROWS, Activity.WINDOW])
def test_a_row_that_does_it_alone_every_time_is_poison(activity: Activity) -> None:
    found, seen = examine(dies_at(14, activity))
    assert found == POISON
    assert [bool(isolation.singly) for isolation in seen[:2]] == [False, True]
    assert seen[1].singly == (RowRange("bad", *BATCH),)
    assert [isolation.alone for isolation in seen[2:]] == [RowRange("bad", 14, 14)] * POISON_ATTEMPTS


def test_a_process_that_was_killed_once_costs_nothing_but_time() -> None:
    found, seen = examine(lambda _, turn: death(*BATCH) if turn == 1 else DONE)
    assert found == DONE
    assert len(seen) == 2


def test_windows_are_cut_to_search_and_for_no_result() -> None:
    found, seen = examine(lambda _, turn: death(*BATCH, activity=Activity.WINDOW) if turn == 1 else DONE)
    assert found == DONE
    assert [len(isolation.singly) for isolation in seen] == [0, 1, 0]


def test_a_row_that_dies_in_one_trial_only_is_not_to_blame() -> None:
    trials = []

    def answer(isolation: Isolation, turn: int) -> Any:
        if isolation.alone is not None:
            trials.append(turn)
            if len(trials) == POISON_ATTEMPTS:
                raise TrialPassedError
            return death(14, 14)
        return (death(*BATCH) if turn == 1 else death(14, 14)) if not trials else DONE

    assert examine(answer)[0] == DONE
    assert len(trials) == POISON_ATTEMPTS


def test_a_death_elsewhere_in_a_trial_blames_nobody() -> None:
    def answer(isolation: Isolation, turn: int) -> Any:
        if isolation.alone is not None:
            return death(15, 15)
        return death(14, 14) if turn == 1 else DONE

    assert examine(answer)[0] == DONE


@pytest.mark.parametrize(
    ("died", "told"),
    [
        (death(0, 0, activity=Activity.BETWEEN), "last crashed (SIGSEGV) outside of operators"),
        (death(0, 0, activity=Activity.OPENING), "last crashed (SIGSEGV) while it opened operator bad"),
        (death(0, 0, activity=Activity.SHARD), "last crashed (SIGSEGV) in operator bad, and no single row"),
        (death(14, 14, harm=Harm.TIMED_OUT, own=False), "last timed_out in operator bad at rows 14 to 14"),
        (death(*BATCH, activity=Activity.BETWEEN, harm=Harm.OUT_OF_MEMORY), "lower --batch-rows or layout.shard_bytes"),
    ],
)
def test_what_no_row_is_to_blame_for_ends_the_unit(died: Death, told: str) -> None:
    with pytest.raises(RunnerError) as raised:
        examine(lambda *_: died)
    message = str(raised.value)
    assert message.startswith("step documents, stage bad, unit 3: expected to finish; its process ended 4 times")
    assert told in message
    assert "\n" not in message
    assert MAX_DEATHS == 4


def test_a_row_that_dies_in_company_alone_ends_the_unit() -> None:
    def answer(isolation: Isolation, turn: int) -> Any:
        del turn
        if isolation.alone is not None:
            raise TrialPassedError
        return death(14, 14) if isolation.singly else death(*BATCH)

    with pytest.raises(RunnerError, match="at rows 14 to 14, and no single row is to blame"):
        examine(answer)
