"""What the command tells of an error that nobody expected: one line, and where its traceback lies."""

import os
import tempfile
import traceback
from pathlib import Path

from pipeline.errors import PipelineError


def as_defect(error: BaseException) -> PipelineError:
    """The error to tell instead: its kind and place, since its message may quote a document."""
    trace = traceback.extract_tb(error.__traceback__)
    place = f" in {Path(trace[-1].filename).name}, line {trace[-1].lineno}" if trace else ""
    try:
        advice = f"report it with {_written(error)}, which may quote documents"
    except OSError as refused:
        advice = (
            f"no file could take its traceback ({type(refused).__name__}: {refused.strerror}): name a folder with room "
            "in TMPDIR, and run again"
        )
    return PipelineError(f"expected no such error; found {type(error).__name__}{place}; committed work stays; {advice}")


def _written(error: BaseException) -> str:
    """A new file with the traceback; none is left if it does not fit."""
    descriptor, path = tempfile.mkstemp(prefix="corpusmill-", suffix=".traceback")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace") as stream:
            traceback.print_exception(error, file=stream)
    except OSError:
        Path(path).unlink()
        raise
    return path
