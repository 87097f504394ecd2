"""Running one case through the command line, in this process."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from jobs.cli import main
from tests.builds import manifests
from tests.hostile.case import Case, Kept, kept_of


@dataclass(frozen=True)
class Ran:
    """What a command left."""

    code: int
    out: str
    err: str
    folder: Path
    """Of the case: the recipe, the input and the output folder `out`."""

    def kept(self) -> Kept:
        """What it found, of a run that ended well."""
        assert self.code == 0, self.err
        return kept_of(json.loads(self.out), list(manifests(self.folder / "out").values()))


RunCase = Callable[..., Ran]


@pytest.fixture
def run_case(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> RunCase:
    """Makes a case in a new folder and builds it."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    def run(case: Case, *options: str) -> Ran:
        recipe = case.write(tmp_path / "case")
        output = tmp_path / "case" / "out"
        arguments = ["run", str(recipe), "--output", str(output), "--runner", "local", "--json", *options]
        monkeypatch.setattr("sys.argv", ["corpusmill", *arguments])
        with pytest.raises(SystemExit) as stopped:
            main()
        out, err = capfd.readouterr()
        code = stopped.value.code
        assert isinstance(code, int)
        return Ran(code, out, err, tmp_path / "case")

    return run
