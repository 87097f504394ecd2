"""`make audit` fails on findings, and only on findings; pip-audit is stood in for, so that nothing is looked up."""

import json
import sys
from pathlib import Path

import pytest

from infra.audit import audit


def stand_in(folder: Path, code: int, said: str) -> str:
    """A program that says what pip-audit would."""
    path = folder / "pip-audit"
    path.write_text(f"#!{sys.executable}\nimport sys\nprint({said!r})\nsys.exit({code})\n")
    path.chmod(0o755)
    return str(path)


def test_findings_are_a_failure_and_named(tmp_path: Path) -> None:
    found = {"id": "PYSEC-1", "fix_versions": ["2.1"]}
    packages = [{"name": "one", "version": "2.0", "vulns": [found]}, {"name": "two", "version": "1", "vulns": []}]
    code, lines = audit(stand_in(tmp_path, 1, json.dumps({"dependencies": packages})), ["x"])
    assert code == 1
    assert lines == ["one 2.0: PYSEC-1; mended in: 2.1", "audit: 2 packages looked up, 1 known vulnerabilities"]


def test_no_findings_are_none(tmp_path: Path) -> None:
    packages = [{"name": "two", "version": "1", "vulns": []}, {"name": "own", "skip_reason": "not on PyPI"}]
    code, lines = audit(stand_in(tmp_path, 0, json.dumps({"dependencies": packages})), ["x"])
    assert code == 0
    (line,) = lines
    assert line.startswith("audit: 1 packages looked up, 0 known vulnerabilities; 1 packages are unknown")


@pytest.mark.parametrize("said", ["", "no network", "{}"])
def test_without_a_network_it_says_so_and_is_no_failure(said: str, tmp_path: Path) -> None:
    for program in (stand_in(tmp_path, 1, said), str(tmp_path / "none")):
        code, lines = audit(program, ["x"])
        assert code == 0
        assert "nothing was looked up" in lines[0]
