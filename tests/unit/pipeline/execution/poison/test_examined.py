"""What the end of a process means; how such processes work is told by tests/faults/test_poison.py."""

import signal

import pytest

from pipeline.execution.poison.examined import Death, _harm_of
from pipeline.execution.poison.progress import Activity, Mark
from pipeline.execution.poison.rows import Harm


@pytest.mark.parametrize(
    ("code", "was_kernel", "expected"),
    [
        (0, False, (Harm.CRASHED, "exit code 0")),
        (3, True, (Harm.CRASHED, "exit code 3")),
        (-signal.SIGSEGV, True, (Harm.CRASHED, "SIGSEGV")),
        (-signal.SIGKILL, False, (Harm.CRASHED, "SIGKILL")),
        (-signal.SIGKILL, True, (Harm.OUT_OF_MEMORY, "SIGKILL")),
        (-signal.SIGALRM, False, (Harm.TIMED_OUT, "")),
    ],
)
def test_an_exit_code_has_a_meaning(code: int, was_kernel: bool, expected: tuple[Harm, str]) -> None:
    assert _harm_of(code, was_kernel=was_kernel) == expected


@pytest.mark.parametrize(
    ("activity", "harm", "own", "expected"),
    [
        (Activity.ROWS, Harm.CRASHED, False, True),
        (Activity.WINDOW, Harm.OUT_OF_MEMORY, False, True),
        (Activity.ROWS, Harm.TIMED_OUT, True, True),
        (Activity.ROWS, Harm.TIMED_OUT, False, False),
        (Activity.SHARD, Harm.CRASHED, True, False),
        (Activity.BETWEEN, Harm.CRASHED, False, False),
    ],
)
def test_only_what_rows_may_have_caused_is_theirs(activity: Activity, harm: Harm, own: bool, expected: bool) -> None:
    assert Death(harm, "", Mark(activity, 0, "a", 0, 0, 1, own)).at_rows == expected
