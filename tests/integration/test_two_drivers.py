"""One output folder has one driver at a time."""

import os
from pathlib import Path

import pytest

from pipeline.errors import RunnerError
from pipeline.execution.build import build
from pipeline.execution.local import LocalRunner
from pipeline.execution.prepare import prepare
from pipeline.execution.runner import Event
from pipeline.execution.work import Execution
from tests.builds import run_build, tree_digest
from tests.corpus import write_files
from tests.small import small, small_files


def test_a_second_driver_is_refused_and_does_no_harm(tmp_path: Path) -> None:
    inputs = write_files(tmp_path / "in", small_files())
    output = tmp_path / "out"
    refusals: list[str] = []

    def intrude(event: Event) -> None:
        if event.kind == "unit_finished":
            with pytest.raises(RunnerError) as raised:
                run_build(small(), inputs, output)
            refusals.append(str(raised.value))

    build(prepare(small(), inputs), output, LocalRunner(), Execution(), intrude)

    assert len(refusals) > 5
    for message in refusals:
        assert message.startswith(f"output {str(output)!r}: expected no other build in this folder; ")
        assert f"process {os.getpid()} is at work there" in message
        assert "choose another folder" in message
    undisturbed = run_build(small(), inputs, tmp_path / "undisturbed")
    assert tree_digest(output) == tree_digest(undisturbed.output)


def test_the_folder_is_free_again_after_a_failed_build(tmp_path: Path) -> None:
    inputs = write_files(tmp_path / "in", small_files())

    def interrupt(event: Event) -> None:
        if event.kind == "unit_finished":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build(prepare(small(), inputs), tmp_path / "out", LocalRunner(), Execution(), interrupt)
    assert run_build(small(), inputs, tmp_path / "out").steps
