"""Block lists of domains, URLs and words, as they are published.

A line of a list of domains is one of

    example.com           a host, also as *.example.com
    0.0.0.0 example.com   a line of a hosts file: hosts behind the address of this machine
    ||example.com^        Adblock's rule for a domain and all below it

Empty lines, lines that begin with `#`, `!` or `[`, and what follows a `#` behind white space are comments. Files that
end in `.gz` are compressed.
"""

import gzip
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Final, cast

import numpy as np
import numpy.typing as npt
import xxhash

from operators.url.normal_form import normal_host, normal_word, split_url
from pipeline.errors import StorageError
from pipeline.operator import FileRef

NameSet = npt.NDArray[np.uint64]
"""(N,) sorted hashes. 8 bytes an entry, where Python strings in a set take some 120."""

THIS_MACHINE: Final = (
    "0.0.0.0",  # noqa: S104 -- nothing is bound
    "127.0.0.1",
    "::",
    "::1",
    "255.255.255.255",
    "fe80::1%lo0",
    "ff00::0",
    "ff02::1",
    "ff02::2",
)
"""Addresses that lines of hosts files begin with."""

_COMMENT: Final = re.compile(r"^[#!\[].*|\s#.*")
_ADBLOCK: Final = re.compile(r"^\|\|(?P<host>[^/^|$*]+)\^$")
_HOST: Final = re.compile(r"^(?:\*\.)?(?P<host>[^\s/?#|^$@:,*]+)$")
MAX_SHOWN: Final = 60


def domain_set(files: Iterable[FileRef]) -> NameSet:
    """The domains of lists of domains."""
    return _hashed(host for ref in files for number, line in _lines(ref) for host in _hosts(ref, number, line))


def url_set(files: Iterable[FileRef]) -> NameSet:
    """The URLs of lists of URLs, one a line."""
    return _hashed("".join(split_url(line)) for ref in files for _, line in _lines(ref))


def word_list(files: Iterable[FileRef]) -> tuple[str, ...]:
    """The distinct words of lists of words, one a line, sorted.

    Entries without an ASCII letter or digit, such as the emoji of published lists, match nothing and are left out.
    """
    return tuple(sorted({normal_word(line) for ref in files for _, line in _lines(ref)} - {""}))


def name_hash(name: str) -> int:
    """What a NameSet holds for a name."""
    return xxhash.xxh3_64_intdigest(name.encode())


def contains(names: NameSet, hashes: npt.NDArray[np.uint64]) -> npt.NDArray[np.bool_]:
    """Which of the hashes are in the set."""
    if not len(names):
        return np.zeros(len(hashes), np.bool_)
    places = np.minimum(np.searchsorted(names, hashes), len(names) - 1)
    found: npt.NDArray[np.bool_] = names[places] == hashes
    return found


def _hosts(ref: FileRef, number: int, line: str) -> Iterator[str]:
    """The hosts of one line; names without a dot in hosts files are this machine's own."""
    address, _, names = line.partition(" ") if "\t" not in line else line.replace("\t", " ").partition(" ")
    if names and address in THIS_MACHINE:
        yield from (normal_host(name) for name in names.split() if "." in name and name not in THIS_MACHINE)
        return
    found = _ADBLOCK.match(line) or _HOST.match(line)
    if found is None or not (host := normal_host(found["host"])):
        raise _bad_line(ref, number, line, "a host, '0.0.0.0 HOST' or '||HOST^'")
    yield host


def _lines(ref: FileRef) -> Iterator[tuple[int, str]]:
    """Numbers and content of the lines of a list, without comments."""
    path = ref.open_path()
    try:
        with _opened(path, ref) as file:
            for number, raw in enumerate(file, start=1):
                line = _COMMENT.sub("", raw.decode("utf-8").strip().removeprefix("\ufeff")).strip()
                if line:
                    yield number, line
    except (UnicodeDecodeError, gzip.BadGzipFile, EOFError) as error:
        raise StorageError(
            f"list {ref.uri!r}: expected UTF-8 text, compressed where the name ends in .gz; {error}; replace the file"
        ) from error


def _opened(path: Path, ref: FileRef) -> IO[bytes]:
    return cast(IO[bytes], gzip.open(path)) if ref.uri.endswith(".gz") else path.open("rb")


def _hashed(names: Iterable[str]) -> NameSet:
    return np.unique(np.fromiter(map(name_hash, names), np.uint64))


def _bad_line(ref: FileRef, number: int, line: str, expected: str) -> StorageError:
    return StorageError(
        f"list {ref.uri!r}, line {number}: expected {expected}; found {line[:MAX_SHOWN]!r}; correct or remove the line"
    )
