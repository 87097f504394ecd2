"""The Python of README.md runs as it stands, on both runners, with the same bytes; its commands and files exist."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.main import get_command

from jobs.cli import app
from operators.catalogue import catalogue
from pipeline.recipe import parse_recipe
from tests.builds import tree_digest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
ON_RAY = 'open_runner("ray", workers=2)'


def block(language: str) -> str:
    """The one code block in that language."""
    (found,) = re.findall(rf"^```{language}\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)
    return found


def run_code(code: str, folder: Path) -> str:
    """Runs code in a folder that looks like the root of the repository; returns the last line that it prints.

    In a process of its own, with a cluster of its own: on the session's cluster other tests' actors may hold all CPUs.
    """
    folder.mkdir()
    (folder / "jobs").symlink_to(ROOT / "jobs")
    environment = {name: value for name, value in os.environ.items() if name != "RAY_ADDRESS"}
    process = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert process.returncode == 0, process.stderr
    return process.stdout.splitlines()[-1]


@pytest.mark.ray
def test_the_python_block_gives_the_same_bytes_on_both_runners(tmp_path: Path):
    code = block("python")
    assert ON_RAY in code
    printed = {
        "ray": run_code(code, tmp_path / "ray"),
        "local": run_code(code.replace(ON_RAY, 'open_runner("local")'), tmp_path / "local"),
    }
    kept, read, tokens = re.fullmatch(r"([\d,]+) of ([\d,]+) documents, ([\d,]+) tokens", printed["ray"]).groups()
    assert int(kept) < int(read) == 117 + 114
    assert int(tokens.replace(",", "")) > 100_000
    assert printed["local"] == printed["ray"]
    digests = {runner: tree_digest(tmp_path / runner / "runs" / "in_python") for runner in printed}
    assert digests["ray"] == digests["local"]


def test_the_yaml_block_is_a_recipe():
    recipe = parse_recipe(block("yaml"), catalogue())
    assert [step.name for step in recipe.steps if "." not in step.name] == [
        "documents", "exact", "near", "best", "tokens", "packed",
    ]  # fmt: skip


def test_the_commands_are_those_that_exist():
    named = set(re.findall(r"^corpusmill ([a-z]+)(?: [A-Z ]+)? {3,}", README, re.MULTILINE))
    assert named == set(get_command(app).commands)


def test_linked_files_exist():
    links = [link for link in re.findall(r"\]\(([^)]+)\)", README) if not link.startswith("http")]
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []
