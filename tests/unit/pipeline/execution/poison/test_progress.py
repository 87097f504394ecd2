"""Where a worker says that it is, and the timers that end it. Nothing here lets a timer run out."""

import signal
import tempfile
from collections.abc import Callable, Iterator
from typing import BinaryIO

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.execution.poison.progress import MARK_BYTES, Activity, Mark, Progress, TimeLimits

ROWS = np.array([4, 7, 9], np.uint32)
NUMBERS = st.integers(0, 2**63)

pytestmark = pytest.mark.timeout(60, method="thread")  # the other method has the timer that is tested here


@given(
    st.builds(Mark, st.sampled_from(Activity), NUMBERS, st.text(max_size=60), NUMBERS, NUMBERS, NUMBERS, st.booleans())
)
def test_a_mark_is_read_as_it_was_written(mark: Mark) -> None:
    assert len(mark.packed()) == MARK_BYTES
    assert Mark.unpacked(mark.packed()) == mark


@given(st.text(min_size=400, max_size=600))
def test_a_long_label_is_cut(label: str) -> None:
    mark = Mark(Activity.SHARD, 1, label)
    found = Mark.unpacked(mark.packed())
    assert found is not None
    assert found.operator.rstrip("\ufffd") == label[: len(found.operator.rstrip("\ufffd"))]


@pytest.mark.parametrize("data", [b"", b"\0" * (MARK_BYTES - 1), b"\xff" * MARK_BYTES])
def test_what_is_no_mark_is_none(data: bytes) -> None:
    assert Mark.unpacked(data) is None


@pytest.fixture
def file() -> Iterator[BinaryIO]:
    with tempfile.TemporaryFile() as file:
        yield file


def mark_in(file: BinaryIO) -> Mark:
    file.seek(0)
    mark = Mark.unpacked(file.read())
    assert mark is not None
    return mark


def test_the_file_says_where_the_worker_is(file: BinaryIO) -> None:
    progress = Progress.in_file(file)
    with progress.unit(3):
        assert mark_in(file).activity is Activity.BETWEEN
        with progress.rows("a", ROWS, is_window=False):
            assert mark_in(file) == Mark(Activity.ROWS, 3, "a", 4, 9, 3)
        with progress.shard("b"):
            assert mark_in(file) == Mark(Activity.SHARD, 3, "b")
            with progress.rows("a", ROWS[:1], is_window=True):
                assert mark_in(file) == Mark(Activity.WINDOW, 3, "a", 4, 4, 1)
            assert mark_in(file).operator == "b"
        assert (mark_in(file).activity, mark_in(file).unit) == (Activity.BETWEEN, 3)


def test_an_error_leaves_no_mark(file: BinaryIO) -> None:
    progress = Progress.in_file(file)

    with pytest.raises(KeyError), progress.unit(3), progress.rows("a", ROWS, is_window=False):
        raise KeyError
    assert mark_in(file).activity is Activity.BETWEEN


def seconds_left() -> float:
    return signal.getitimer(signal.ITIMER_REAL)[0]


@pytest.mark.parametrize(
    ("enter", "seconds", "is_own"),
    [
        (lambda progress: progress.rows("told", ROWS, is_window=False), 50, True),
        (lambda progress: progress.rows("other", ROWS, is_window=False), 70, True),
        (lambda progress: progress.rows("patient", ROWS, is_window=False), 90, False),
        (lambda progress: progress.shard("told"), 50, True),
        (lambda progress: progress.shard("other"), 90, False),
        (lambda progress: progress.opening("told"), 70, True),
    ],
)
def test_the_nearest_time_out_counts(
    enter: Callable[[Progress], object], seconds: float, is_own: bool, file: BinaryIO
) -> None:
    progress = Progress.in_file(file, TimeLimits({"told": 50, "patient": 1000}, call=70, unit=90))
    assert seconds_left() == 0
    with progress.unit(0):
        assert seconds_left() == pytest.approx(90, abs=5)
        with enter(progress):  # type: ignore[attr-defined]
            assert seconds_left() == pytest.approx(seconds, abs=5)
            assert mark_in(file).has_own_limit == is_own
        assert seconds_left() == pytest.approx(90, abs=5)
    assert seconds_left() == 0


def test_without_limits_no_timer_is_set() -> None:
    with Progress().unit(0), Progress().rows("a", ROWS, is_window=False):
        assert seconds_left() == 0


def test_a_generator_that_ends_late_takes_nobody_elses_mark(file: BinaryIO) -> None:
    progress = Progress.in_file(file)

    def work() -> object:
        with progress.shard("late"):
            yield

    generator = work()
    with progress.unit(1):
        next(generator)  # type: ignore[call-overload]
    with progress.unit(2):
        generator.close()  # type: ignore[attr-defined]
        assert (mark_in(file).unit, mark_in(file).operator) == (2, "")
