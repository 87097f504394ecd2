import os

import fsspec
import pytest

from pipeline.errors import PlanError, StorageError
from pipeline.io.storage import DIGEST_WINDOW_BYTES, file_digest, input_size, list_inputs, open_input
from pipeline.plan.logical import Source


@pytest.fixture
def folder(tmp_path):
    for name in ["b/2.jsonl", "b/1.jsonl", "a.jsonl", "b/c/3.jsonl.gz", "b/notes.txt"]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    return tmp_path


@pytest.fixture
def memory():
    filesystem = fsspec.filesystem("memory")
    for name in ["/web/b/2.jsonl", "/web/b/1.jsonl", "/web/a.jsonl"]:
        filesystem.pipe_file(name, name.encode())
    yield filesystem
    filesystem.rm("/web", recursive=True)


def paths(files):
    return [file.relative_path for file in files]


def test_lists_by_relative_path(folder):
    files = list_inputs("web", Source(paths=("**/*.jsonl*",)), folder)
    assert paths(files) == ["a.jsonl", "b/1.jsonl", "b/2.jsonl", "b/c/3.jsonl.gz"]
    assert [file.path for file in files] == [str(folder / file.relative_path) for file in files]
    assert {file.source for file in files} == {"web"}
    assert [file.size_bytes for file in files] == [len(file.relative_path) for file in files]


@pytest.mark.parametrize(
    ("patterns", "root", "expected"),
    [
        (("b/*.jsonl",), None, ["1.jsonl", "2.jsonl"]),
        (("b/1.jsonl",), None, ["1.jsonl"]),
        (("b/*.jsonl", "b/1.jsonl"), None, ["1.jsonl", "2.jsonl"]),
        (("b/*.jsonl", "b/c/*"), None, ["1.jsonl", "2.jsonl", "c/3.jsonl.gz"]),
        (("b/1.jsonl", "a.jsonl"), None, ["a.jsonl", "b/1.jsonl"]),
        (("b/[1]*.jsonl",), ".", ["b/1.jsonl"]),
        (("b/../a.jsonl",), None, ["a.jsonl"]),
    ],
)
def test_root_is_the_longest_common_folder(folder, patterns, root, expected):
    assert paths(list_inputs("web", Source(paths=patterns, root=root), folder)) == expected


def test_absolute_patterns_and_file_urls(folder, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("recipe")
    for pattern in (f"{folder}/b/*.jsonl", f"file://{folder}/b/*.jsonl"):
        files = list_inputs("web", Source(paths=(pattern,)), elsewhere)
        assert [file.path for file in files] == [f"{folder}/b/1.jsonl", f"{folder}/b/2.jsonl"]


def test_a_pattern_without_files_is_named(folder):
    with pytest.raises(PlanError, match=r"source 'web'.*nothing matches \['.*/none/\*\.jsonl'\]; tried .*a\.jsonl"):
        list_inputs("web", Source(paths=("none/*.jsonl", "a.jsonl")), folder)
    with pytest.raises(PlanError, match="a folder needs a pattern"):
        list_inputs("web", Source(paths=("b",)), folder)


def test_files_outside_of_the_root_are_refused(folder):
    with pytest.raises(PlanError, match=r"root '.*/b'; found '.*/a\.jsonl'"):
        list_inputs("web", Source(paths=("a.jsonl",), root="b"), folder)


@pytest.mark.usefixtures("memory")
def test_lists_and_opens_fsspec_paths(tmp_path):
    files = list_inputs("web", Source(paths=("memory://web/**/*.jsonl",)), tmp_path)
    assert paths(files) == ["a.jsonl", "b/1.jsonl", "b/2.jsonl"]
    with open_input(files[1].path) as stream:
        assert stream.read() == b"/web/b/1.jsonl"
    assert input_size(files[1].path) == files[1].size_bytes == len("/web/b/1.jsonl")
    one = list_inputs("web", Source(paths=("memory://web/b/1.jsonl",)), tmp_path)
    assert one[0].digest == files[1].digest
    assert paths(one) == ["1.jsonl"]


@pytest.mark.usefixtures("memory")
def test_two_stores_in_one_source_are_refused(folder):
    with pytest.raises(PlanError, match="one source for each store"):
        list_inputs("web", Source(paths=("memory://web/*.jsonl", "a.jsonl")), folder)


def test_a_name_that_no_id_can_spell_is_refused(folder):
    (folder / "b" / os.fsdecode(b"\xff.jsonl")).write_text("")
    with pytest.raises(PlanError, match=r"source 'web': expected file names in UTF-8; found '.*\\udcff.jsonl'; rename"):
        list_inputs("web", Source(paths=("b/*.jsonl",)), folder)


@pytest.mark.parametrize("path", ["memory://nowhere/x", "/nowhere/x", "unknown-store://x/y"])
def test_unreadable_paths_are_named(path):
    with pytest.raises(StorageError, match=path):
        open_input(path)


def test_digest_is_of_start_middle_end_and_size(tmp_path):
    window = DIGEST_WINDOW_BYTES
    content = bytearray(5 * window)
    path = tmp_path / "f"

    def digest():
        path.write_bytes(content)
        return file_digest(str(path), len(content))

    digests = [digest()]
    for place in (0, window - 1, 2 * window, 3 * window - 1, 4 * window, 5 * window - 1):
        content[place] = 1
        digests.append(digest())
    assert len(set(digests)) == len(digests)
    content[window] = content[2 * window - 1] = content[3 * window] = 1
    assert digest() == digests[-1]
    content.append(0)
    assert digest() not in digests


@pytest.mark.parametrize("size", [0, 1, DIGEST_WINDOW_BYTES, 3 * DIGEST_WINDOW_BYTES // 2, 3 * DIGEST_WINDOW_BYTES])
def test_every_byte_of_a_small_file_counts(tmp_path, size):
    path = tmp_path / "f"
    content = bytearray(size)
    path.write_bytes(content)
    digests = {file_digest(str(path), size)}
    places = {place for place in (0, size // 3, size // 2, size - 1) if 0 <= place < size}
    for place in places:
        content[place] = 1
        path.write_bytes(content)
        digests.add(file_digest(str(path), size))
        content[place] = 0
    assert len(digests) == len(places) + 1
