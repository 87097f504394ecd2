"""Who is at work in an output that has no file locks: an object with a time, which the driver renews.

It warns a second driver early and no more. Clocks differ, drivers pause: what keeps two drivers from harm is that
commits are created only if absent.
"""

import json
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from pipeline.errors import PipelineError, RunnerError
from pipeline.io.object_path import ObjectPath

RENEW_SECONDS: Final = 20.0
LAPSE_SECONDS: Final = 90.0
"""A driver that has not renewed its lease for so long is taken for dead: four renewals in a row failed."""


@contextmanager
def leased(place: ObjectPath) -> Iterator[None]:
    """Holds the lease while the caller works.

    Raises:
        RunnerError: another driver holds it.
    """
    holder = holder_of(place)
    if holder is not None:
        raise RunnerError(
            f"output {str(place.parent.parent)!r}: expected no other build in it; process {holder['process']} on "
            f"{holder['host']} was at work there {time.time() - holder['seen']:.0f} s ago; wait for it, or, if it was "
            f"killed, run again when {LAPSE_SECONDS:.0f} s have passed"
        )
    _renew(place)
    ended = threading.Event()
    renewing = threading.Thread(target=_keep_renewing, args=(place, ended), daemon=True)
    renewing.start()
    try:
        yield
    finally:
        ended.set()
        renewing.join()
        place.unlink()


def holder_of(place: ObjectPath) -> dict[str, Any] | None:  # Any: JSON
    """host, process and seen of the driver that holds the lease; None if nobody does, or who does is dead."""
    try:
        holder: dict[str, Any] = json.loads(place.read_bytes())
        is_dead = holder["host"] == socket.gethostname() and not _is_alive(int(holder["process"]))
        return None if is_dead or time.time() - holder["seen"] > LAPSE_SECONDS else holder
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None  # what is no lease warns of nobody


def _keep_renewing(place: ObjectPath, ended: threading.Event) -> None:
    while not ended.wait(RENEW_SECONDS):
        try:
            _renew(place)
        except PipelineError:
            continue  # a lease that lapses harms nobody


def _renew(place: ObjectPath) -> None:
    holder = {"host": socket.gethostname(), "process": os.getpid(), "seen": time.time()}
    place.write_bytes(json.dumps(holder).encode())


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
