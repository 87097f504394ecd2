import gzip

import numpy as np
import pytest

from operators.url.block_list import contains, domain_set, name_hash, url_set, word_list
from pipeline.errors import StorageError
from pipeline.operator import FileRef


@pytest.fixture
def listed(tmp_path):
    def write(content, name="list.txt"):
        data = content if isinstance(content, bytes) else content.encode()
        path = tmp_path / name
        path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
        return FileRef(uri=name).pin(path)

    return write


def hashes(*names):
    return sorted(map(name_hash, names))


@pytest.mark.parametrize(
    ("line", "hosts"),
    [
        ("example.com", ["example.com"]),
        ("WWW.Example.com # why", ["example.com"]),
        ("*.example.com", ["example.com"]),
        ("0.0.0.0 a.example b.example", ["a.example", "b.example"]),
        ("127.0.0.1\ta.example", ["a.example"]),
        ("127.0.0.1 localhost", []),
        ("0.0.0.0 0.0.0.0", []),
        ("||example.com^", ["example.com"]),
        ("co.uk", ["co.uk"]),
        ("bücher.example", ["xn--bcher-kva.example"]),
        ("# comment", []),
        ("! comment", []),
        ("[Adblock Plus]", []),
        ("", []),
        ("81.2.69.142", ["81.2.69.142"]),
    ],
)
@pytest.mark.parametrize("name", ["list.txt", "list.gz"])
def test_lines_of_domains(listed, line, hosts, name):
    assert domain_set((listed(f"{line}\r\nlast.example\n", name),)).tolist() == hashes(*hosts, "last.example")


@pytest.mark.parametrize("line", ["a b", "||example.com^$third-party", "example.com/path", "http://a.example", "@@||a.example^", "a.example##.ad", "1.2.3.4 a.example", "user@example.com"])  # fmt: skip  # noqa: E501
def test_a_line_that_is_no_domain_is_named(listed, line):
    with pytest.raises(StorageError, match=r"^list 'list.txt', line 3: expected a host, .* found '") as caught:
        domain_set((listed(f"# list\n\n{line}\n"),))
    assert "\n" not in str(caught.value)


def test_files_of_a_list_are_joined(listed):
    files = (listed("a.example\nb.example", "a.txt"), listed("b.example\n", "b.txt"))
    assert domain_set(files).tolist() == hashes("a.example", "b.example")
    assert domain_set(()).tolist() == []


def test_urls_and_words(listed):
    assert url_set((listed("https://www.a.example/X/\n# no\nb.example\n"),)).tolist() == hashes(
        "a.example/X", "b.example"
    )
    assert word_list((listed("Hot-Rod\nabc\nABC\n文\n"),)) == ("abc", "hotrod")


@pytest.mark.parametrize(("content", "name"), [(b"\xff\xfe", "list.txt"), (b"", "broken.gz")])
def test_a_file_that_cannot_be_read_is_named(listed, tmp_path, content, name):
    ref = listed(content)
    if name.endswith(".gz"):
        (tmp_path / name).write_bytes(b"not gzip")
        ref = FileRef(uri=name).pin(tmp_path / name)
    with pytest.raises(StorageError, match=rf"^list '{name}': expected UTF-8 text"):
        domain_set((ref,))


def test_lookups_in_a_set():
    names = np.array(sorted(map(name_hash, "abc")), np.uint64)
    looked = np.array([name_hash(name) for name in "cxaz"], np.uint64)
    assert contains(names, looked).tolist() == [True, False, True, False]
    assert contains(names[:0], looked).tolist() == [False] * 4
    assert contains(names, looked[:0]).tolist() == []
