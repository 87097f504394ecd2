import errno

import pytest

from pipeline.errors import StorageError
from pipeline.io import retries
from pipeline.io.retries import ATTEMPTS, MAX_WAIT_SECONDS, ShortBodyError, described, may_pass, with_retries


class ClientError(Exception):
    """As botocore's: the answer of the store, parsed."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__("https://bucket/key?X-Amz-Signature=canary")
        self.response = {"ResponseMetadata": {"HTTPStatusCode": status}, "Error": {"Code": code}}


def behind(error: OSError, cause: ClientError) -> OSError:
    """As s3fs raises it."""
    error.__cause__ = cause
    return error


class Failing:
    """Fails a number of times, then answers."""

    def __init__(self, error: Exception, times: int) -> None:
        self.error, self.times, self.calls = error, times, 0

    def __call__(self) -> str:
        self.calls += 1
        if self.calls <= self.times:
            raise self.error
        return "answer"


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    waited: list[float] = []
    monkeypatch.setattr(retries.time, "sleep", waited.append)
    return waited


PASSING = [
    TimeoutError(),
    ConnectionResetError(),
    ShortBodyError(),
    OSError(errno.EBUSY, "SlowDown"),
    OSError(errno.EREMOTEIO, "InternalError"),
    ClientError(500, "InternalError"),
    ClientError(503, "SlowDown"),
    ClientError(429, "TooManyRequests"),
    ClientError(400, "RequestTimeout"),
    behind(OSError(errno.EIO, "?"), ClientError(409, "ConditionalRequestConflict")),
]
LASTING = [
    FileNotFoundError(),
    FileExistsError(),
    PermissionError(),
    OSError(errno.ENOSPC, "disk full"),
    ValueError(),
    StorageError("explained"),
    ClientError(403, "SignatureDoesNotMatch"),
    behind(OSError(errno.EIO, "unknown code"), ClientError(400, "IncompleteSignature")),
]


@pytest.mark.parametrize("error", PASSING, ids=described)
def test_what_may_pass_is_repeated(error: Exception, waits: list[float]) -> None:
    call = Failing(error, ATTEMPTS - 1)
    assert with_retries(call, "object x") == "answer"
    assert call.calls == ATTEMPTS
    assert len(waits) == ATTEMPTS - 1


@pytest.mark.parametrize("error", LASTING, ids=described)
def test_what_lasts_is_raised_at_once(error: Exception, waits: list[float]) -> None:
    call = Failing(error, 1)
    with pytest.raises(type(error)):
        with_retries(call, "object x")
    assert call.calls == 1
    assert waits == []


@pytest.mark.usefixtures("waits")
def test_a_store_that_never_answers_ends_in_one_line_without_what_the_store_said() -> None:
    call = Failing(ClientError(503, "SlowDown"), 1_000)
    with pytest.raises(StorageError) as raised:
        with_retries(call, "object x")
    assert call.calls == ATTEMPTS
    assert str(raised.value) == (
        "object x: expected an answer of the store; 8 attempts failed, the last with status 503 SlowDown; "
        "run again to go on once the store answers"
    )
    assert raised.value.__cause__ is None
    assert raised.value.__suppress_context__


def test_waits_grow_to_a_cap_and_differ(waits: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retries.random, "uniform", lambda *bounds: bounds[1])
    with_retries(Failing(TimeoutError(), ATTEMPTS - 1), "object x")
    assert waits == sorted(waits)
    assert max(waits) <= MAX_WAIT_SECONDS
    monkeypatch.undo()
    assert len(set(retries._waits())) > 1


def test_clients_of_stores_are_known_by_their_package() -> None:
    payload = type("ClientPayloadError", (Exception,), {"__module__": "aiohttp.client_exceptions"})
    missing = type("NoCredentialsError", (Exception,), {"__module__": "botocore.exceptions"})
    assert may_pass(payload())
    assert not may_pass(missing())
