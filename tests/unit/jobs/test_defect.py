"""Errors that nobody expected, told in one line wherever their traceback may go."""

import errno
import os
import re
import traceback
from pathlib import Path
from typing import Any

import pytest

from jobs.defect import as_defect


def defect() -> ZeroDivisionError:
    """An error that was raised."""
    with pytest.raises(ZeroDivisionError) as raised:
        raise ZeroDivisionError("text of a document")
    return raised.value


def refuse(number: int) -> Any:
    """A function that meets a refusal of the system."""

    def refused(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    return refused


def test_the_traceback_lies_in_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    told = str(as_defect(defect()))
    (written,) = tmp_path.iterdir()
    assert "ZeroDivisionError: text of a document" in written.read_text()
    assert re.fullmatch(
        r"expected no such error; found ZeroDivisionError in test_defect.py, line \d+; committed work stays; "
        rf"report it with {written}, which may quote documents",
        told,
    )


def test_a_full_temporary_folder_takes_no_half_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(traceback, "print_exception", refuse(errno.ENOSPC))
    told = str(as_defect(defect()))
    assert list(tmp_path.iterdir()) == []
    assert "found ZeroDivisionError in test_defect.py" in told
    assert told.endswith(
        "; committed work stays; no file could take its traceback (OSError: No space left on device): "
        "name a folder with room in TMPDIR, and run again"
    )


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EACCES, errno.EROFS])
def test_a_temporary_folder_that_takes_no_file(number: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("tempfile.mkstemp", refuse(number))
    assert f"could take its traceback ({type(OSError(number, '')).__name__}: {os.strerror(number)})" in str(
        as_defect(defect())
    )


def test_no_temporary_folder_at_all(monkeypatch: pytest.MonkeyPatch):
    """As Python finds out: every candidate is tried, and an error without a text of the system is raised."""
    monkeypatch.setattr("tempfile.tempdir", None)
    monkeypatch.setattr("tempfile._candidate_tempdir_list", lambda: ["/proc/none"])
    told = str(as_defect(defect()))
    assert "no file could take its traceback (FileNotFoundError: No usable temporary directory found" in told
    assert "\n" not in told
