import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchmarks.dedup import tools
from benchmarks.dedup.tools import Tool, corpusmill, run_once

COPY = "import shutil, sys; shutil.copytree(*sys.argv[1:])"


def copying(code=COPY):
    def command(documents, output):
        return [sys.executable, "-c", code, str(documents), str(output)]

    return Tool("copy", command, lambda _: pa.array([]), lambda output: {"files": len(list(output.iterdir()))})


def test_a_run_is_measured_and_leaves_its_output(tmp_path):
    (tmp_path / "docs").mkdir()
    pq.write_table(pa.table({"id": ["d0"]}), tmp_path / "docs/0.parquet")
    for _ in range(2):  # the second one finds the first one's output
        run = run_once(copying(), tmp_path / "docs", tmp_path / "out/copy")
        assert run.cpu_seconds > 0
        assert run.steps == {"files": 1}


def test_a_tool_that_fails_stops_the_benchmark(tmp_path):
    with pytest.raises(SystemExit, match=r"copy: expected exit code 0 and no process left; found code 3 .*out\.log"):
        run_once(copying("exit(3)"), tmp_path, tmp_path / "out")


def test_overrides_reach_the_command(tmp_path):
    command = corpusmill(Path("python"), overrides=["near.verify=off"]).command(tmp_path, tmp_path / "out")
    assert command[-2:] == ["--set", "near.verify=off"]
    assert f"sources.docs.paths=[{tmp_path}/*.parquet]" in command
    assert str(tools.RECIPE) in command
