"""What may never be in the project's code: reading of formats that can run code, and models that bring their own."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from operators.catalogue import catalogue

ROOT: Final = Path(__file__).resolve().parents[2]
FILES: Final = sorted(
    path for folder in ("pipeline", "operators", "jobs", "infra") for path in (ROOT / folder).rglob("*.py")
)

UNSAFE_MODULES: Final = frozenset(
    {"pickle", "cPickle", "dill", "cloudpickle", "shelve", "marshal", "joblib", "tarfile", "zipfile"}
)
UNSAFE_CALLS: Final = frozenset(
    {
        "eval", "exec", "os.system", "pandas.read_pickle", "shutil.unpack_archive", "torch.load", "yaml.full_load",
        "yaml.load", "yaml.unsafe_load",
    }
)  # fmt: skip
OWN_MESSAGES: Final = frozenset({("pipeline/execution/poison/examined.py", "pickle")})
"""A child process tries whether its own exception can be sent to its parent; it reads nothing that it did not make."""
LOADERS: Final = frozenset({"from_pretrained", "LLM", "load_dataset", "SentenceTransformer"})
"""They run code that a repository brings, if they are told to trust it."""


def calls(path: Path) -> Iterator[tuple[str, ast.Call]]:
    """Dotted name and call, of every call in a file."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.split(".")[0]


def said(call: ast.Call, keyword: str) -> str | None:
    """The source of a keyword argument."""
    return next((ast.unparse(one.value) for one in call.keywords if one.arg == keyword), None)


def test_the_inventory_sees_the_code() -> None:
    assert len(FILES) > 200
    names = {name.split(".")[-1] for path in FILES for name, _ in calls(path)}
    assert names >= {"from_pretrained", "LLM", "load", "safe_dump"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_file_reads_what_can_run_code(path: Path) -> None:
    found = {(path.relative_to(ROOT).as_posix(), module) for module in imported(path) if module in UNSAFE_MODULES}
    assert found <= OWN_MESSAGES
    for name, call in calls(path):
        assert name not in UNSAFE_CALLS
        assert said(call, "allow_pickle") in (None, "False")
        assert said(call, "shell") in (None, "False")
        assert said(call, "trust_remote_code") in (None, "False")
        if name.split(".")[-1] in LOADERS and "**" not in ast.unparse(call):
            assert said(call, "trust_remote_code") == "False", name


def test_no_recipe_can_ask_for_the_code_of_a_model() -> None:
    for operator in catalogue().operators.values():
        fields = str(operator.model_json_schema())
        assert "trust_remote_code" not in fields
