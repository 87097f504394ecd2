import json
import os
import socket
import time

import pytest

from pipeline.errors import RunnerError
from pipeline.execution.lease import LAPSE_SECONDS, holder_of, leased
from pipeline.io.object_path import ObjectPath

LOCK = ObjectPath("bucket", "run/logs/driver.lock")


@pytest.fixture(autouse=True)
def objects(monkeypatch: pytest.MonkeyPatch) -> dict[ObjectPath, bytes]:
    """A store in memory."""
    held: dict[ObjectPath, bytes] = {}

    def read(self: ObjectPath) -> bytes:
        if self not in held:
            raise FileNotFoundError(str(self))
        return held[self]

    monkeypatch.setattr(ObjectPath, "read_bytes", read)
    monkeypatch.setattr(ObjectPath, "write_bytes", lambda self, data: held.update({self: data}))
    monkeypatch.setattr(ObjectPath, "unlink", lambda self: held.pop(self, None))
    return held


def lock(host: str, process: int, seconds_ago: float) -> bytes:
    return json.dumps({"host": host, "process": process, "seen": time.time() - seconds_ago}).encode()


def test_the_lease_is_held_while_work_goes_on(objects: dict[ObjectPath, bytes]) -> None:
    assert holder_of(LOCK) is None
    with leased(LOCK):
        holder = holder_of(LOCK)
        assert holder is not None
        assert (holder["host"], holder["process"]) == (socket.gethostname(), os.getpid())
    assert objects == {}


def test_another_driver_is_named(objects: dict[ObjectPath, bytes]) -> None:
    objects[LOCK] = lock("elsewhere", 7, 12)
    with (
        pytest.raises(
            RunnerError, match=r"^output 's3://bucket/run': .* process 7 on elsewhere was at work there 12 s ago"
        ),
        leased(LOCK),
    ):
        pass
    assert json.loads(objects[LOCK])["process"] == 7


@pytest.mark.parametrize(
    ("host", "process", "seconds_ago", "is_held"),
    [
        ("elsewhere", 7, LAPSE_SECONDS - 5, True),
        ("elsewhere", 7, LAPSE_SECONDS + 5, False),
        (socket.gethostname(), os.getpid(), 1, True),
        (socket.gethostname(), 2**22 + 1, 1, False),  # beyond the largest process id of Linux
    ],
)
def test_a_lease_lapses_or_ends_with_its_process(
    host: str, process: int, seconds_ago: float, is_held: bool, objects: dict[ObjectPath, bytes]
) -> None:
    objects[LOCK] = lock(host, process, seconds_ago)
    assert (holder_of(LOCK) is not None) == is_held


@pytest.mark.parametrize("damaged", [b"", b"{", b"{}", b"[]", b'{"host": "x", "process": "y", "seen": null}'])
def test_what_is_no_lease_warns_of_nobody(damaged: bytes, objects: dict[ObjectPath, bytes]) -> None:
    objects[LOCK] = damaged
    assert holder_of(LOCK) is None
