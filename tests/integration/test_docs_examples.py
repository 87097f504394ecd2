"""docs/add-an-operator.md, followed literally: in a copy of the project, every file is made and every command run.

A command must succeed, and its stdout must be what the page shows; `...` on the page stands for any text.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "add-an-operator.md"
COPIED = ("docs", "jobs", "operators", "pipeline", "pyproject.toml", "tests")
BLOCK = re.compile(
    r"(?:<!-- (?P<mark>[^\n]+) -->\n)?```(?P<language>\w+)\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE
)


@dataclass(frozen=True)
class Action:
    """One block of the page, or one command of a console block."""

    kind: str
    """file, patch or command."""
    what: str
    """The path of the file, or the command."""
    text: str
    """What the file holds, the patch, or what the command prints."""


def actions_of(page: str) -> Iterator[Action]:
    for block in BLOCK.finditer(page):
        mark, text = block["mark"] or "", block["text"]
        if mark.startswith("file: "):
            yield Action("file", mark.removeprefix("file: "), text)
        elif mark == "patch":
            yield Action("patch", "", text)
        elif block["language"] == "console":
            for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
                command, _, output = part.partition("\n")
                yield Action("command", command, output)


def shows(expected: str, found: str) -> bool:
    """Whether the page's output stands for what was printed. A line that is only `...` stands for any lines."""
    pattern = ".*?".join(re.escape(part) for part in expected.rstrip().split("..."))
    lines = [line.rstrip() for line in found.rstrip().splitlines()]
    return re.fullmatch(pattern, "\n".join(lines), re.DOTALL) is not None


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the project in which the page may do what it likes."""
    root = tmp_path / "project"
    root.mkdir()
    left_out = shutil.ignore_patterns("__pycache__", "*.gz", "*.zst")
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, root / name, ignore=left_out)
        else:
            shutil.copy(ROOT / name, root / name)
    return root


def run(command: str, root: Path, given: str = "") -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(root),
        "COLUMNS": "80",
    }
    return subprocess.run(
        ["bash", "-c", command], cwd=root, env=environment, input=given, capture_output=True, text=True, check=False
    )


def test_a_newcomer_can_add_an_operator(project: Path) -> None:
    actions = list(actions_of(PAGE.read_text(encoding="utf-8")))
    assert {action.kind for action in actions} == {"file", "patch", "command"}
    for action in actions:
        if action.kind == "file":
            path = project / action.what
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(action.text, encoding="utf-8")
            continue
        command = "git apply --recount -" if action.kind == "patch" else action.what
        done = run(command, project, action.text if action.kind == "patch" else "")
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        if action.kind == "command":
            assert shows(action.text, done.stdout), (
                f"{command}\nprinted:\n{done.stdout}\nthe page shows:\n{action.text}"
            )


@pytest.mark.parametrize(
    ("expected", "found", "result"),
    [
        ("a\n", "a\n", True),
        ("a ... c", "a b c", True),
        ("a\n...\n", "a\nb\nc", True),
        ("a", "a\nb", False),
        ("a.c", "abc", False),
        ("", "x", False),
    ],
)
def test_output_is_compared(expected: str, found: str, result: bool) -> None:
    assert shows(expected, found) is result


def test_blocks_of_a_page_are_found() -> None:
    page = "<!-- file: a/b.py -->\n```python\nx = 1\n```\n\n```console\n$ one\nout\n$ two\n```\n```python\nno\n```\n"
    assert list(actions_of(page)) == [
        Action("file", "a/b.py", "x = 1\n"),
        Action("command", "one", "out\n"),
        Action("command", "two", ""),
    ]
