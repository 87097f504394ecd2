"""How a build ends that is told to: by SIGTERM, as `ray job stop` sends it 3 s before SIGKILL, or from the keyboard.

Nothing needs to be saved: what is committed is on the disk. But whoever sent the signal shall be told so, soon, even
while the main thread is inside a kernel that runs for minutes; so a thread of its own hears of the signal.
"""

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Final

GRACE_SECONDS: Final = 2.0
"""For Ray's processes to be ended; then this one ends all the same."""
TERMINATED: Final = 128 + signal.SIGTERM
INTERRUPTED: Final = 128 + signal.SIGINT

_WORDS: Final = {TERMINATED: "terminated", INTERRUPTED: "interrupted"}


@contextmanager
def ends_by_signal() -> Iterator[None]:
    """Ends the process with exit code 143 on SIGTERM and 130 on SIGINT, and says how to go on."""
    notice = _Notice()
    codes: list[int] = []

    def interrupt(number: int, frame: FrameType | None) -> None:
        del frame
        codes.append(128 + number)
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in (signal.SIGTERM, signal.SIGINT)}
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    wakeup_before = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    threading.Thread(target=_wait_for_signals, args=(reading, notice), daemon=True).start()
    try:
        yield
    except KeyboardInterrupt:
        notice.give(codes[0] if codes else INTERRUPTED)
        raise SystemExit(notice.code) from None
    except SystemExit:  # Ray puts a handler in the place of ours while it starts
        if notice.code is not None:
            raise SystemExit(notice.code) from None
        raise
    else:
        if codes:  # the exception came where Python ignores all, as while it frees an object
            notice.give(codes[0])
            raise SystemExit(notice.code)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(wakeup_before)
        os.close(writing)  # which ends the thread


class _Notice:
    """The message, given once, by whichever thread comes first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.code: int | None = None
        """With which the process ends; None until the message was given."""

    def give(self, code: int) -> None:
        with self._lock:
            if self.code is None:
                self.code = code
                message = f"corpusmill: {_WORDS[code]}; committed work stays, run the same command again to go on"
                with suppress(OSError):
                    print(message, file=sys.stderr, flush=True)  # noqa: T201 - the command's output


def _wait_for_signals(reading: int, notice: _Notice) -> None:
    """The thread: it reads the numbers of signals as they come, whatever the main thread is at."""
    with os.fdopen(reading, "rb", buffering=0) as signals:
        while received := signals.read(1):
            code = 128 + received[0]
            if code in _WORDS:
                notice.give(code)
                time.sleep(GRACE_SECONDS)
                os._exit(notice.code or code)
