"""The Python of README.md runs as it stands, on both runners, with the same bytes; its commands and files exist."""

import os
import re
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest
from typer.main import get_command

from jobs.cli import app
from jobs.summary import print_summary
from jobs.terminal import PlainConsole
from operators.catalogue import catalogue
from pipeline.execution.local import LocalRunner
from pipeline.execution.prepare import prepare
from pipeline.execution.work import Execution
from pipeline.recipe import load_recipe, parse_recipe
from pipeline.run import run_prepared
from tests.builds import tree_digest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
LEFT_OUT = re.compile(r" +\(.*\)")
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


def test_the_demo_prints_what_is_shown(tmp_path: Path):
    demo = ROOT / "jobs" / "recipes" / "quickstart.yaml"
    prepared = prepare(load_recipe(demo, catalogue()), demo.parent)
    done = run_prepared(prepared, tmp_path / "out", LocalRunner(), Execution(), [].append)
    printed = StringIO()
    print_summary(done, prepared.recipe, PlainConsole(file=printed, width=200))
    lines = printed.getvalue().splitlines()
    shown, *_ = re.findall(r"^```\n(step .*?)^```$", README, re.DOTALL | re.MULTILINE)
    whole = [line for line in shown.splitlines() if not LEFT_OUT.fullmatch(line)]
    assert [line for line in whole if not any(found.startswith(line.removesuffix(" ...")) for found in lines)] == []
    rules = sum("│" in line for line in lines) - sum("│" in line for line in whole)
    assert f"({rules} more rules)" in shown


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
