"""Named points at which a crash is tested: in commits, in exchanges, and between steps.

`reach` does nothing unless a test watches, or the environment variable CORPUSMILL_CRASH_AT names the point (`name`, or
`name:n` for the n-th time it is reached); then the process kills itself, as a machine that loses power would.
"""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

VARIABLE: Final = "CORPUSMILL_CRASH_AT"

FAULT_POINTS: Final = (
    "write.begin",
    "write.unfinished",
    "write.closed",
    "write.renamed",
    "exchange.map.closed",
    "exchange.reduce.begin",
    "commit.verified",
    "commit.staged",
    "commit.recorded",
    "fallback.staged",
    "fallback.recorded",
    "fallback.dropping",
    "fallback.dropped",
    "segment.done",
    "round.done",
    "dataset.linked",
    "manifest.staged",
    "manifest.recorded",
    "sweep.begin",
    "sweep.middle",
    "step.done",
)

RARE_FAULT_POINTS: Final = ("poison.staged", "poison.recorded")
"""Points that no build passes unless a document ends its process."""

_reached: dict[str, int] = {}
_watchers: list[Callable[[str], None]] = []


def reach(point: str) -> None:
    """Marks that execution got to `point`; kills the process when a test asked for it."""
    assert point in (*FAULT_POINTS, *RARE_FAULT_POINTS), point
    for watcher in _watchers:
        watcher(point)
    wanted = os.environ.get(VARIABLE)
    if not wanted:
        return
    name, _, number = wanted.partition(":")
    if name == point:
        _reached[point] = _reached.get(point, 0) + 1
        if _reached[point] >= int(number or 1):
            os.kill(os.getpid(), signal.SIGKILL)


@contextmanager
def watched(watcher: Callable[[str], None]) -> Iterator[None]:
    """Tells `watcher` of every point that is reached in this process meanwhile, before anything else happens there."""
    _watchers.append(watcher)
    try:
        yield
    finally:
        _watchers.remove(watcher)
