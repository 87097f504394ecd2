"""Who may import whom, read from the source: the layers of the architecture cannot mix by accident."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("pipeline", "operators", "jobs")
FILES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for package in PACKAGES
    for path in sorted((ROOT / package).rglob("*.py"))
    if "__pycache__" not in path.parts
}
"""Module name -> file."""

OPERATORS_MAY = (
    "pipeline.document",
    "pipeline.operator",
    "pipeline.format_writer",
    "pipeline.folder_ref",
    "pipeline.rule_set",
    "pipeline.errors",
    "pipeline.kernel",
    "pipeline.byte_blocks",
    "pipeline.hashing",
    "operators",
)
STEPS_MAY = (*OPERATORS_MAY, "pipeline.plan.logical")
CATALOGUE_MAY = (*OPERATORS_MAY, "pipeline.recipe")
RAY_FOLDER = "pipeline.execution.on_ray"
HEAVY_LIBRARIES = ("tokenizers", "fasttext", "duckdb", "fsspec", "pandas")
MODEL_LIBRARIES = ("torch", "transformers", "vllm")


@dataclass(frozen=True)
class Import:
    """One name that a module imports."""

    module: str
    line: int
    at_load: bool
    """Whether it runs when the module is loaded; otherwise inside a function, or for type checkers only."""


def imports_of(source: str, module: str, *, is_package: bool) -> Iterator[Import]:
    """Everything that a module imports; `from a import b` names `a.b` where that is a module, else `a`."""
    tree = ast.parse(source)
    later = {
        id(inner)
        for outer in ast.walk(tree)
        if isinstance(outer, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) or _is_type_checking(outer)
        for inner in ast.walk(outer)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            parts = module.split(".")
            package = parts if is_package else parts[:-1]
            origin = (
                [*package[: len(package) - node.level + 1], *([node.module] if node.module else [])]
                if node.level
                else [node.module]
            )
            base = ".".join(part for part in origin if part)
            names = [full if (full := f"{base}.{alias.name}") in FILES else base for alias in node.names]
        else:
            continue
        for name in names:
            yield Import(name, node.lineno, id(node) not in later)


def _is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)


IMPORTS = {
    module: tuple(imports_of(path.read_text(encoding="utf-8"), module, is_package=path.name == "__init__.py"))
    for module, path in FILES.items()
}


def is_in(module: str, folders: tuple[str, ...]) -> bool:
    return any(module == folder or module.startswith(f"{folder}.") for folder in folders)


def wrong(modules, is_allowed):
    """`file:line imports name` of every import that is not allowed."""
    return [
        f"{FILES[module].relative_to(ROOT)}:{one.line} imports {one.module}"
        for module in modules
        for one in IMPORTS[module]
        if not is_allowed(module, one)
    ]


def under(*folders):
    found = [module for module in FILES if is_in(module, folders)]
    assert found, folders
    return found


def test_operators_know_documents_operators_and_errors_alone():
    def allowed(module, one):
        if not is_in(one.module, PACKAGES):
            return True
        may = (
            STEPS_MAY
            if module.endswith(".steps")
            else CATALOGUE_MAY
            if module == "operators.catalogue"
            else OPERATORS_MAY
        )
        return is_in(one.module, may)

    assert wrong(under("operators"), allowed) == []


def test_the_pipeline_knows_no_operator_and_no_job():
    assert wrong(under("pipeline"), lambda _, one: not is_in(one.module, ("operators", "jobs"))) == []


def test_nothing_but_jobs_imports_jobs():
    assert wrong(under("pipeline", "operators"), lambda _, one: not is_in(one.module, ("jobs",))) == []


def test_plans_know_no_execution():
    assert wrong(under("pipeline.plan"), lambda _, one: not is_in(one.module, ("pipeline.execution",))) == []


def test_nobody_imports_tests_benchmarks_or_infra():
    assert wrong(FILES, lambda _, one: not is_in(one.module, ("tests", "benchmarks", "infra"))) == []


def test_ray_is_imported_in_one_folder():
    assert wrong(FILES, lambda module, one: not is_in(one.module, ("ray",)) or is_in(module, (RAY_FOLDER,))) == []


def test_who_imports_the_ray_folder_does_so_when_it_is_needed():
    """The local runner, plans and every command that needs no cluster start without loading ray."""

    def allowed(module, one):
        return not is_in(one.module, (RAY_FOLDER,)) or is_in(module, (RAY_FOLDER,)) or not one.at_load

    assert wrong([module for module in FILES if module != f"{RAY_FOLDER}.sizing"], allowed) == []


def test_heavy_libraries_are_imported_inside_functions():
    assert wrong(FILES, lambda _, one: not (one.at_load and is_in(one.module, HEAVY_LIBRARIES))) == []


def test_modules_that_load_model_libraries_are_imported_when_an_operator_opens():
    """They are an extra: plans, the catalogue and workers of other operators do without."""
    loading = {
        module
        for module, found in IMPORTS.items()
        if any(one.at_load and is_in(one.module, MODEL_LIBRARIES) for one in found)
    }
    assert {module for module in loading if not module.startswith("operators.models.")} == set()
    others = [module for module in FILES if module not in loading]
    assert wrong(others, lambda _, one: not (one.at_load and one.module in loading)) == []


def test_commands_that_read_no_data_load_no_kernel():
    """Numba takes longer to load than all else that they need. Recipes name operators, which may have kernels."""
    waiting, reached = ["jobs.cli"], set()
    while waiting:
        module = waiting.pop()
        reached.add(module)
        waiting += [one.module for one in IMPORTS[module] if one.at_load and one.module in set(FILES) - reached]
    assert "pipeline.io.json_records" in reached
    assert not any(is_in(one.module, ("numba",)) and one.at_load for module in reached for one in IMPORTS[module])


def test_no_module_has_a_name_that_says_nothing():
    empty = {"utils", "util", "helpers", "helper", "common", "base", "misc"}
    assert [module for module in FILES if empty & set(module.split("."))] == []


def test_no_cycle():
    """Of imports that run when modules are loaded."""
    graph = {
        module: sorted({one.module for one in found if one.at_load and one.module in FILES} - {module})
        for module, found in IMPORTS.items()
    }
    cycles = find_cycle(graph)
    assert cycles == [], " -> ".join(cycles)


def find_cycle(graph: dict[str, list[str]]) -> list[str]:
    """One cycle, first module repeated at the end; empty where there is none."""
    done: set[str] = set()

    def visit(module: str, path: list[str]) -> list[str]:
        if module in path:
            return [*path[path.index(module) :], module]
        if module in done:
            return []
        for other in graph.get(module, ()):
            if found := visit(other, [*path, module]):
                return found
        done.add(module)
        return []

    for module in graph:
        if found := visit(module, []):
            return found
    return []


# The reader itself


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import ray", [("ray", True)]),
        ("import ray.util as u, os", [("ray.util", True), ("os", True)]),
        ("from ray import init", [("ray", True)]),
        ("from pipeline import errors", [("pipeline.errors", True)]),
        ("from pipeline.errors import PlanError", [("pipeline.errors", True)]),
        ("from . import check", [("pipeline.plan.check", True)]),
        ("from .check import x", [("pipeline.plan.check", True)]),
        ("from ..errors import x", [("pipeline.errors", True)]),
        ("def f():\n  import torch", [("torch", False)]),
        ("class A:\n  import torch", [("torch", True)]),
        ("class A:\n  def f(self):\n    from torch import nn", [("torch", False)]),
        ("try:\n  import torch\nexcept ImportError: pass", [("torch", True)]),
        ("if TYPE_CHECKING:\n  import torch", [("torch", False)]),
        ("import typing\nif typing.TYPE_CHECKING:\n  import torch", [("typing", True), ("torch", False)]),
    ],
)
def test_every_way_to_import_is_seen(source, expected):
    found = [(one.module, one.at_load) for one in imports_of(source, "pipeline.plan.logical", is_package=False)]
    assert found == expected


def test_a_cycle_is_found():
    assert find_cycle({"a": ["b"], "b": ["c"], "c": ["b"]}) == ["b", "c", "b"]
    assert find_cycle({"a": ["b", "c"], "b": ["c"], "c": []}) == []


def test_all_source_is_looked_at():
    assert {
        "pipeline.recipe",
        "operators.catalogue",
        "pipeline.kernel",
        "pipeline.execution.on_ray.runner",
    } <= set(FILES)
    assert all((ROOT / package / "__init__.py").exists() for package in PACKAGES)
