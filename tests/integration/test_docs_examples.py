"""Code and names in docs/.

docs/add-an-operator.md is followed literally: in a copy of the project every file is made and every command run. A
command must succeed, and its stdout must be what the page shows; `...` on the page stands for any text.
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
from pydantic import BaseModel

from jobs.cli import app
from operators.catalogue import catalogue
from pipeline.operator import Resources
from pipeline.plan.logical import ArtifactKind, ErrorBudget, Exchange, Layout, Recipe, Source
from pipeline.recipe import parse_recipe, recipe_json_schema
from pipeline.run import run_recipe

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGE = DOCS / "add-an-operator.md"
COPIED = ("docs", "jobs", "operators", "pipeline", "pyproject.toml", "tests")
BLOCK = re.compile(
    r"(?:<!-- (?P<mark>[^\n]+) -->\n)?```(?P<language>\w*)\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE
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
    # compiled kernels come along, as compiling costs a minute; so do the tables that operators read
    left_out = shutil.ignore_patterns("*.jsonl.gz", "*.jsonl.zst", "*.tmp.*")
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, root / name, ignore=left_out)
        else:
            shutil.copy(ROOT / name, root / name)
    return root


def run(command: str, root: Path, given: str = "", cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Runs a shell command with the project in `root`, in that folder unless another is given."""
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(root),
        "COLUMNS": "80",
    }
    return subprocess.run(
        ["bash", "-c", command],
        cwd=cwd or root,
        env=environment,
        input=given,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.timeout(600)  # twenty commands, most of which start Python; half a minute where the cores are free
def test_a_newcomer_can_add_an_operator(project: Path) -> None:
    actions = list(actions_of(PAGE.read_text(encoding="utf-8")))
    assert {action.kind for action in actions} == {"file", "patch", "command"}
    for action in actions:
        if action.kind == "file":
            path = project / action.what
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(action.text, encoding="utf-8")
            continue
        command = "git apply -" if action.kind == "patch" else action.what
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


def test_the_recipe_of_the_page_is_one() -> None:
    blocks = [block["text"] for block in BLOCK.finditer(text_of("recipes.md")) if block["language"] == "yaml"]
    recipe = parse_recipe(blocks[0], catalogue())
    assert [step.name for step in recipe.steps][-2:] == ["tokens", "packed"]


@pytest.mark.parametrize("model", [Source, Exchange, Resources, Layout, ErrorBudget], ids=lambda model: model.__name__)
def test_every_key_is_described_with_its_default(model: type[BaseModel]) -> None:
    cells = [line.strip("| ").replace("`", "").split(" | ") for line in text_of("recipes.md").splitlines()]
    defaults = {row[0]: row[1] for row in cells if len(row) == 3}
    for name, field in model.model_fields.items():
        assert name in defaults, f"docs/recipes.md lacks `{name}`"
        if isinstance(field.default, int | float):
            assert float(defaults[name]) == field.default


def test_every_key_of_recipes_and_steps_is_described() -> None:
    schema = recipe_json_schema(catalogue())["properties"]
    page = text_of("recipes.md")
    for name in [*Recipe.model_fields, *schema["steps"]["items"]["properties"], *ArtifactKind]:
        assert f"`{name}`" in page, f"docs/recipes.md lacks `{name}`"


def test_the_plan_of_the_page_is_what_is_printed() -> None:
    blocks = [block["text"] for block in BLOCK.finditer(text_of("architecture.md"))]
    shown = next(text for text in blocks if text.startswith("near.decisions -> columns"))
    done = run("python -m jobs plan jobs/recipes/quickstart.yaml --workers 2 --no-sample --output runs/none", ROOT)
    assert shows(f"...\n{shown}...", done.stdout), done.stdout


def test_every_command_is_described() -> None:
    page = text_of("operate.md")
    for command in app.registered_commands:
        assert command.callback is not None
        assert f"corpusmill {command.callback.__name__} " in page.replace("\n", " ")


def test_quarantined_rows_are_listed_as_the_page_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("docs.jsonl").write_text('{"text": "one"}\nno json\n{"id": "2"}\n')
    steps = "[{name: documents, read: docs}]"
    run_recipe(
        parse_recipe(f"{{name: bad, sources: {{docs: {{paths: docs.jsonl}}}}, steps: {steps}}}", catalogue()),
        "runs/quickstart",
    )
    code = next(block["text"] for block in BLOCK.finditer(text_of("operate.md")) if block["language"] == "python")
    done = run(f"python - <<'EOF'\n{code}EOF", ROOT, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "invalid_json" in done.stdout
    assert "no_text" in done.stdout


def test_links_of_the_pages_lead_somewhere() -> None:
    for page in DOCS.rglob("*.md"):
        text = BLOCK.sub("", page.read_text(encoding="utf-8"))
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text):
            assert (page.parent / target).exists(), f"{page.relative_to(ROOT)}: {target}"


def text_of(page: str) -> str:
    return (DOCS / page).read_text(encoding="utf-8")
