import errno
import os

import pyarrow as pa
import pytest

from pipeline.errors import PlanError, StorageError
from pipeline.io.system_errors import explained, is_refusal, storage_error


def test_an_error_says_where_what_and_how_to_go_on() -> None:
    error = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/data/out/tmp/x")
    assert str(storage_error("step kept, unit 3", error)) == (
        "step kept, unit 3: expected to work with '/data/out/tmp/x'; found ENOSPC (No space left on device); make room "
        "(df -h; df -i if inodes are used up); what is committed stays, so run again to go on"
    )


@pytest.mark.parametrize("number", [errno.EIO, errno.ENOLCK, 4096])
def test_every_number_gives_one_line_with_advice(number: int) -> None:
    said = str(storage_error("here", OSError(number, "in\ntwo lines")))
    assert "\n" not in said
    assert said.startswith("here: expected to work with files there; found ")
    assert said.endswith("run again to go on")


def test_an_error_without_number_keeps_its_words_in_one_line() -> None:
    assert "found OSError: page\theader is broken;".replace("\t", " ") in str(
        storage_error("here", OSError("page\n header is broken"))
    )


def test_what_arrow_says_of_a_full_disk_has_a_number() -> None:
    with pytest.raises(OSError, match="No space left") as raised, pa.OSFile("/dev/full", "wb") as sink:
        sink.write(b"x")
    assert is_refusal(raised.value)
    assert "found ENOSPC (" in str(storage_error("here", raised.value))


def test_what_is_explained_already_stays_as_it_is() -> None:
    error = StorageError("as it is")
    assert storage_error("there", error) is error
    for kind in (StorageError, PlanError):
        with pytest.raises(kind, match=r"^as it is$"), explained("there"):
            raise kind("as it is")


def test_inside_explained_an_error_of_the_system_becomes_a_storage_error() -> None:
    with (
        pytest.raises(StorageError, match=r"^recipe r: expected to work with '/none/x'; found ENOENT"),
        explained("recipe r"),
    ):
        open("/none/x")  # noqa: PTH123, SIM115 - it fails


def test_content_that_a_library_does_not_like_is_no_refusal() -> None:
    assert not is_refusal(OSError("broken page"))
    assert not is_refusal(ValueError())
    assert is_refusal(PermissionError(errno.EACCES, "no"))
