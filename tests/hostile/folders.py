"""Files, names, links and folders."""

import os
from pathlib import Path
from typing import Final

from tests.hostile.case import Case, Kept, Make, Refused, files, line, lines

DEEP: Final = {"paths": "in/**/*.jsonl"}


def beside(make: Make, change: Make) -> Make:
    """Files, and something else that is done to the folder."""

    def both(folder: Path) -> None:
        make(folder)
        change(folder)

    return both


def link(name: str, target: str) -> Make:
    """A symbolic link in the folder."""

    def make(folder: Path) -> None:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).symlink_to(target)

    return make


def pipe(name: str) -> Make:
    """A named pipe that nobody writes into."""
    return lambda folder: os.mkfifo(folder / name)


def undecodable(folder: Path) -> None:
    """A file whose name is Latin-1."""
    (folder / os.fsdecode(b"caf\xe9.jsonl")).write_bytes(line(10))


def large_file(folder: Path) -> None:
    """2 GiB and 40 bytes of rows of 1 MiB."""
    row = b'{"text": "' + b"a" * ((1 << 20) - 13) + b'"}\n'
    with (folder / "a.jsonl").open("wb") as stream:
        for _ in range(2 << 10):
            stream.write(row)
        stream.write(line(10))


GOOD: Final = files({"a.jsonl": lines(10, 15)})

EMPTY_CASES: Final = (
    Case("an empty file", "no bytes", files({"a.jsonl": b"", "b.jsonl": lines(10, 15)}), Kept(5)),
    Case("empty files alone", "a source without a record", files({"a.jsonl": b"", "b.jsonl": b""}), Kept(0)),
    Case(
        "a file of white space",
        "blank lines, tabs and line ends are no records",
        files({"a.jsonl": b" \n\t\n\r\n\n   ", "b.jsonl": lines(10, 15)}),
        Kept(5),
    ),
    Case("an empty folder", "a pattern that matches nothing", files({}), Refused("expected files for each pattern")),
    Case(
        "one pattern of two that matches nothing",
        "a name that is misspelled",
        GOOD,
        Refused("nothing matches"),
        source={"paths": ["in/a.jsonl", "in/b.jsonl"]},
    ),
    Case("a folder as a path", "without a pattern for its files", GOOD, Refused("a folder"), source={"paths": "in"}),
    Case(
        "a folder that is named like a file",
        "as Spark writes data sets: the pattern means the files in it",
        files({"a.jsonl": line(10), "b.jsonl/part-0.jsonl": line(11)}),
        Refused("b.jsonl': expected a file; found a folder", code=1),
        source={"paths": "in/*.jsonl"},
    ),
)

STRAY_CASES: Final = (
    Case(
        "stray files under *",
        "a README and Spark's _SUCCESS have no format",
        files({"a.jsonl": lines(10, 15), "README.md": b"read me", "_SUCCESS": b""}),
        Refused("expected a file name that ends in one of"),
    ),
    Case(
        "stray files beside a pattern that names the format",
        "README, _SUCCESS, .crc, .tmp",
        files(
            dict.fromkeys(("README.md", "_SUCCESS", ".a.jsonl.crc", "a.jsonl.tmp"), b"stray") | {"a.jsonl": line(10)}
        ),
        Kept(1),
        source={"paths": "in/*.jsonl"},
    ),
    Case(
        "hidden files",
        "as in a shell, * and ** see no name that begins with a dot",
        files({".DS_Store": b"stray", ".b.jsonl": line(10), ".git/c.jsonl": line(11), "a.jsonl": line(12)}),
        Kept(1),
        source=DEEP,
    ),
    Case(
        "two formats in one source",
        "Parquet beside JSONL",
        files({"a.jsonl": line(10), "b.parquet": b"PAR1"}),
        Refused("expected files of one format"),
    ),
    Case(
        "1,000 tiny files",
        "a row each",
        files({f"{number:05d}.jsonl": line(number) for number in range(1000)}),
        Kept(1000),
    ),
    Case(
        "10,000 tiny files",
        "a row each",
        files({f"{number % 100}/{number:05d}.jsonl": line(number) for number in range(10_000)}),
        Kept(10_000),
        source=DEEP,
        is_slow=True,
    ),
    Case("one file of 2 GiB", "in rows of 1 MiB", large_file, Kept(2049), is_slow=True),
)

NAME_CASES: Final = (
    Case(
        "names with spaces, quotes, percent signs and line ends",
        "every byte that a name may have is one",
        files({"a b.jsonl": line(10), 'it\'s "so".jsonl': line(11), "100%41.jsonl": line(12), "c\nd.jsonl": line(13)}),
        Kept(4),
    ),
    Case(
        "names in two Unicode forms",
        "é as one letter and as two: two files",
        files({"caf\u00e9.jsonl": line(10), "cafe\u0301.jsonl": line(11)}),
        Kept(2),
    ),
    Case(
        "a name that is no UTF-8",
        "Latin-1 in a file's name",
        beside(GOOD, undecodable),
        Refused("expected file names in UTF-8"),
    ),
    Case(
        "names with glob characters",
        "found by *",
        files({"a[1].jsonl": line(10), "b?.jsonl": line(11), "c*.jsonl": line(12)}),
        Kept(3),
    ),
    Case(
        "a name with brackets as a pattern",
        "brackets are a pattern: it means a1.jsonl, which is not there",
        files({"a[1].jsonl": line(10)}),
        Refused("nothing matches"),
        source={"paths": "in/a[1].jsonl"},
    ),
    Case(
        "a name with a scheme in it",
        "a store that does not exist",
        GOOD,
        Refused("nosuchstore", code=1),
        source={"paths": "nosuchstore://in/*"},
    ),
    Case(
        "a path that leaves its root",
        "in/../../, beside a root that it must lie in",
        files({"a.jsonl": line(10), "sub/b.jsonl": line(11)}),
        Refused("expected files below its root"),
        source={"paths": "in/sub/../a.jsonl", "root": "in/sub"},
    ),
    Case(
        "a step whose name is a path",
        "names of steps become folders",
        GOOD,
        Refused("String should match pattern"),
        recipe={"steps": [{"name": "../../documents", "read": "web", "write": "documents"}]},
    ),
    Case(
        "a recipe whose name is a path",
        "its name becomes a folder",
        GOOD,
        Refused("String should match pattern"),
        recipe={"name": "../../hostile"},
    ),
)

LINK_CASES: Final = (
    Case("a link to a file", "is read as the file", beside(GOOD, link("b.jsonl", "a.jsonl")), Kept(10)),
    Case(
        "a link to its own folder",
        "from in/loop all of in/ is reached again, without end",
        beside(GOOD, link("loop", ".")),
        Refused("in/loop': expected folders that end", code=1),
        source=DEEP,
    ),
    Case(
        "two links that lead back",
        "2 to the power of 40 paths to one file",
        beside(files({"sub/a.jsonl": line(10)}), beside(link("sub/b", ".."), link("sub/c", "../sub"))),
        Refused("in/sub/b': expected folders that end", code=1),
        source=DEEP,
    ),
    Case(
        "a link to itself",
        "opening it fails",
        beside(GOOD, link("b.jsonl", "b.jsonl")),
        Refused("in/b.jsonl", code=1),
    ),
    Case(
        "a link to nothing",
        "its file is gone, and would be missing without a word",
        beside(GOOD, link("b.jsonl", "gone.jsonl")),
        Refused("in/b.jsonl", code=1),
    ),
    Case(
        "a named pipe",
        "opening it would wait for ever",
        beside(GOOD, pipe("b.jsonl")),
        Refused("expected a file; found a pipe", code=1),
    ),
    Case(
        "a device",
        "a link to /dev/zero, which has no end",
        beside(GOOD, link("b.jsonl", "/dev/zero")),
        Refused("expected a file; found a pipe, socket or device", code=1),
    ),
)

CASES: Final = (*EMPTY_CASES, *STRAY_CASES, *NAME_CASES, *LINK_CASES)
