"""Crash points do nothing until a test asks for one, and then kill."""

import signal
import subprocess
import sys

import pytest

from pipeline.execution.faults import FAULT_POINTS, VARIABLE, reach, watched


def test_points_do_nothing_by_default(monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    for point in FAULT_POINTS:
        reach(point)


def test_a_watcher_is_told_of_points_while_it_watches():
    seen = []
    with watched(seen.append):
        reach("write.begin")
        reach("step.done")
    reach("write.closed")
    assert seen == ["write.begin", "step.done"]


def test_a_point_must_be_known():
    with pytest.raises(AssertionError, match=r"write\.bgin"):
        reach("write.bgin")


@pytest.mark.parametrize(("wanted", "reached"), [("write.begin", 1), ("write.begin:3", 3)])
def test_the_process_dies_where_it_was_asked_to(wanted, reached):
    script = (
        "from pipeline.execution.faults import reach\n"
        "for number in range(1, 9):\n"
        "    reach('write.closed')\n"
        "    print(number, flush=True)\n"
        "    reach('write.begin')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], env={VARIABLE: wanted, "PYTHONPATH": ":".join(sys.path)}, capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    assert done.returncode == -signal.SIGKILL
    assert done.stdout.split() == [str(number) for number in range(1, reached + 1)]
