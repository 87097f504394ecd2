"""The one policy for calls to remote stores: which failures may pass, how often and after what wait a call is repeated.

The packages below ours are told not to repeat by themselves: attempts of two layers would multiply.
"""

import errno
import random
import time
from collections.abc import Callable, Iterator
from typing import Any, Final, TypeVar

from pipeline.errors import StorageError

ATTEMPTS: Final = 8
"""Of one call. With one failure in twenty, all eight fail once in 25 thousand million calls."""
FIRST_WAIT_SECONDS: Final = 0.1
MAX_WAIT_SECONDS: Final = 20.0
"""Waits double up to this. Stores ask for seconds of quiet when they say SlowDown."""

_PASSING: Final = frozenset(
    {
        errno.EAGAIN,
        errno.EBUSY,
        errno.EIO,
        errno.ENETDOWN,
        errno.ENETRESET,
        errno.ENETUNREACH,
        errno.EHOSTDOWN,
        errno.EHOSTUNREACH,
        errno.EREMOTEIO,
        errno.ETIMEDOUT,
    }
)
_LASTING: Final = (FileNotFoundError, FileExistsError, PermissionError, IsADirectoryError, NotADirectoryError)
_CLIENT_PACKAGES: Final = frozenset({"aiohttp", "botocore", "aiobotocore", "urllib3", "requests", "gcsfs", "http"})
_PASSING_STATUS: Final = frozenset({408, 409, 425, 429})
_PASSING_CODES: Final = frozenset({"BadDigest", "IncompleteBody", "RequestTimeout", "XAmzContentSHA256Mismatch"})
"""S3 answers 400 to a body that was cut on its way."""
_LASTING_NAMES: Final = frozenset({"NoCredentialsError", "PartialCredentialsError", "ParamValidationError"})

R = TypeVar("R")


class ShortBodyError(ConnectionError):
    """A store sent fewer bytes than it has: the end of the body is not the end of the object."""


def with_retries(call: Callable[[], R], what: str) -> R:
    """The result of `call`, which is repeated while it fails for a reason that may pass.

    Args:
        call: one request, or several that may be repeated together.
        what: the object and what is done with it, for the message; without credentials.

    Raises:
        StorageError: it failed `ATTEMPTS` times.
        Exception: what `call` raises for a reason that lasts, such as FileNotFoundError, at once.
    """
    for wait in _waits():
        try:
            return call()
        except Exception as error:
            if not may_pass(error):
                raise
            time.sleep(wait)
    try:
        return call()
    except Exception as error:
        if not may_pass(error):
            raise
        raise StorageError(
            f"{what}: expected an answer of the store; {ATTEMPTS} attempts failed, the last with {described(error)}; "
            "run again to go on once the store answers"
        ) from None


def may_pass(error: BaseException) -> bool:
    """Whether the same call may succeed later: the store was busy, slow or cut off, not that it said no."""
    if isinstance(error, (StorageError, *_LASTING)):
        return False
    response = _response(error)
    if response is not None:
        status = status_of(error)
        return status >= 500 or status in _PASSING_STATUS or code_of(error) in _PASSING_CODES
    if isinstance(error, TimeoutError | ConnectionError):
        return True
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno in _PASSING
    if type(error).__name__ in _LASTING_NAMES:
        return False
    return type(error).__module__.split(".")[0] in _CLIENT_PACKAGES


def described(error: BaseException) -> str:
    """The kind of an error, and the status or code that a store gave. Not its text: that may quote a signed URL."""
    response = _response(error)
    if response is None:
        number = error.errno if isinstance(error, OSError) else None
        return type(error).__name__ if number is None else f"{type(error).__name__} {errno.errorcode.get(number, '')}"
    return f"status {status_of(error)} {code_of(error)}".strip()


def status_of(error: BaseException) -> int:
    """The HTTP status that an S3 store answered with; 0 where it did not answer."""
    response = _response(error) or {}
    return int(response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def code_of(error: BaseException) -> str:
    """The code that an S3 store gave, such as NoSuchBucket; empty without one."""
    response = _response(error) or {}
    return str(response.get("Error", {}).get("Code", ""))


def _waits() -> Iterator[float]:
    """Full jitter: many workers that were told to slow down do not come back together."""
    for attempt in range(ATTEMPTS - 1):
        yield random.uniform(0, min(MAX_WAIT_SECONDS, FIRST_WAIT_SECONDS * 2**attempt))  # noqa: S311 -- no secret


def _response(error: BaseException) -> dict[str, Any] | None:  # Any: what botocore parsed
    """The answer of an S3 store, which s3fs keeps behind the error that it makes of it."""
    for one in (error, error.__cause__):
        response = getattr(one, "response", None)
        if isinstance(response, dict):
            return response
    return None
