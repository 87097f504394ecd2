import glob
import os
import socket
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import StorageError
from pipeline.io.local_files import local_files

NAMES = ["a.jsonl", "b.jsonl.gz", "x/a.jsonl", "x/y/a.jsonl", "x/y/.hidden.jsonl", ".h/a.jsonl", "z[1]/a.jsonl", "x/1"]


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tree")
    for name in NAMES:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    (folder / "linked").symlink_to(folder / "x")
    (folder / "alias.jsonl").symlink_to(folder / "a.jsonl")
    return folder


def found(pattern: str) -> list[str]:
    return sorted(local_files(pattern))


PARTS = st.sampled_from(
    ["**", "*", "x", "y", ".h", "*.jsonl", "?", "[xz]*", "a.jsonl", ".*", "linked", "none", "z[[]1]"]
)


@settings(max_examples=300)
@given(parts=st.lists(PARTS, min_size=1, max_size=4))
def test_it_finds_what_pythons_glob_finds(parts: list[str], tree: Path) -> None:
    pattern = str(tree / "/".join(parts))
    expected = {path for path in glob.glob(pattern, recursive=True) if Path(path).is_file() and path[-1] != "/"}  # noqa: PTH207
    assert found(pattern) == sorted(expected)


@pytest.mark.parametrize("pattern", ["*", "**/*.jsonl", "lost.jsonl"])
def test_a_link_that_leads_nowhere_is_an_error_where_it_is_named(pattern: str, tmp_path: Path) -> None:
    (tmp_path / "lost.jsonl").symlink_to(tmp_path / "none")
    with pytest.raises(FileNotFoundError, match=r"lost\.jsonl"):
        found(f"{tmp_path}/{pattern}")
    assert found(f"{tmp_path}/**/*.gz") == []


def test_a_link_to_its_own_folder_does_not_make_many_files_of_one(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in/a.jsonl").write_text("")
    (tmp_path / "in/again").symlink_to(tmp_path / "in")
    with pytest.raises(StorageError, match=r"again': expected folders that end; found a link to a folder that it lies"):
        found(f"{tmp_path}/in/**/*.jsonl")
    assert found(f"{tmp_path}/in/*.jsonl") == [f"{tmp_path}/in/a.jsonl"]


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jsonl")
    with pytest.raises(StorageError, match=r"pipe\.jsonl': expected a file; found a pipe, socket or device"):
        found(f"{tmp_path}/*.jsonl")
    (tmp_path / "pipe.jsonl").unlink()
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "s"))
        with pytest.raises(StorageError, match="expected a file"):
            found(f"{tmp_path}/s")


def test_a_folder_that_is_named_like_a_file_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "part.jsonl").mkdir()
    (tmp_path / "a.jsonl").write_text("")
    for pattern in ("*.jsonl", "**/*.jsonl", "part.*"):
        with pytest.raises(StorageError, match=r"part\.jsonl': expected a file; found a folder"):
            found(f"{tmp_path}/{pattern}")
    assert found(f"{tmp_path}/*") == [f"{tmp_path}/a.jsonl"]
