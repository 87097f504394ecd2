"""An actor that dies costs the unit that it was running one attempt, and nothing else."""

import gzip
from pathlib import Path

import pytest

from pipeline.execution.on_ray.runner import MAX_ATTEMPTS
from pipeline.execution.poison.examination import POISON_ATTEMPTS
from pipeline.operator import Resources
from pipeline.plan.logical import Recipe
from tests.builds import MakeRunner, run_build, staged_files, tree_digest
from tests.corpus import Record, jsonl, write_files
from tests.sample_operators import DEADLY, KillsItsActor, LongEnough
from tests.small import read, text_of

NUM_FILES = 4

pytestmark = [pytest.mark.ray, pytest.mark.timeout(120)]


@pytest.fixture
def inputs(tmp_path: Path) -> Path:
    """Four units, since a compressed file is not split; the first two hold a deadly text each."""
    files = {}
    for file in range(NUM_FILES):
        texts = [text_of(number) for number in range(100 * file, 100 * file + 30)]
        if file < 2:
            texts.insert(20, f"{DEADLY}-{file} " + text_of(7))
        lines = [Record(f"{file}-{place}", text).line() for place, text in enumerate(texts)]
        files[f"docs/{file}.jsonl.gz"] = gzip.compress(jsonl(lines), mtime=0)
    return write_files(tmp_path / "in", files)


@pytest.fixture
def attempts(tmp_path: Path) -> Path:
    """Where attempts at deadly texts are counted."""
    folder = tmp_path / "attempts"
    folder.mkdir()
    return folder


def deadly(attempts: Path, times: int, resources: dict[str, Resources] | None = None) -> Recipe:
    """Each unit that holds a deadly text kills its actor `times` times."""
    killer = KillsItsActor(folder=str(attempts), times=times)
    return read(LongEnough(min_chars=40), killer, shard_bytes=1 << 10, resources=resources)


def test_only_the_unit_that_was_running_is_charged(
    inputs: Path, attempts: Path, tmp_path: Path, make_ray_runner: MakeRunner
) -> None:
    """Two units, both with all the deaths that a unit may have, and one actor, so that one waits while the other runs.

    Were a death charged to the wrong one, or to both, that one would run out of attempts before it has used its own.
    """
    recipe = deadly(attempts, times=MAX_ATTEMPTS - 1)
    on_ray = run_build(recipe, inputs, tmp_path / "ray", make_ray_runner(workers=1))
    assert len(on_ray.manifest("documents").shards) == NUM_FILES
    assert len(on_ray.steps_of("actor_lost")) == 2 * (MAX_ATTEMPTS - 1)
    assert len(list(attempts.iterdir())) == 2 * MAX_ATTEMPTS
    assert staged_files(on_ray.output) == []
    # Nothing dies any more: the attempts are counted in files.
    local = run_build(recipe, inputs, tmp_path / "local")
    assert tree_digest(on_ray.output) == tree_digest(local.output)


def test_an_actor_that_dies_while_it_opens_a_stage_is_told_and_costs_no_attempt(
    inputs: Path, attempts: Path, tmp_path: Path, make_ray_runner: MakeRunner
) -> None:
    recipe = read(KillsItsActor(folder=str(attempts), times=MAX_ATTEMPTS, when_opened=True), shard_bytes=1 << 10)
    on_ray = run_build(recipe, inputs, tmp_path / "ray", make_ray_runner(workers=1))
    assert on_ray.steps_of("actor_lost") == ["documents"] * MAX_ATTEMPTS
    local = run_build(recipe, inputs, tmp_path / "local")
    assert tree_digest(on_ray.output) == tree_digest(local.output)


def test_a_death_in_a_later_pool_starts_the_unit_from_its_input(
    inputs: Path, attempts: Path, tmp_path: Path, make_ray_runner: MakeRunner
) -> None:
    fancy = {"kills_its_actor": Resources(custom={"fancy": 1})}
    recipe = deadly(attempts, times=MAX_ATTEMPTS - 1, resources=fancy)
    on_ray = run_build(recipe, inputs, tmp_path / "ray", make_ray_runner())
    assert len(on_ray.steps_of("actor_lost")) == 2 * (MAX_ATTEMPTS - 1)
    local = run_build(recipe, inputs, tmp_path / "local")
    assert tree_digest(on_ray.output) == tree_digest(local.output)


def test_a_row_that_always_kills_its_actor_is_quarantined(
    inputs: Path, attempts: Path, tmp_path: Path, make_ray_runner: MakeRunner
) -> None:
    built = run_build(deadly(attempts, times=1_000), inputs, tmp_path / "out", make_ray_runner(workers=1))
    assert built.manifest("documents").rule_totals()["kills_its_actor/quarantine/crashed"] == 2
    assert len(built.steps_of("poison_found")) == 2
    # Each kills two actors alone, and the first one another before, when it was in company.
    assert len(built.steps_of("actor_lost")) == 2 * (MAX_ATTEMPTS - 1) + 1
    num_attempts = [len(list(attempts.glob(f"{DEADLY}-{file}-*"))) for file in range(2)]
    # And processes of the examination: one with its batch, one alone among its batch, and its trials.
    alone = MAX_ATTEMPTS - 1 + 1 + 1 + POISON_ATTEMPTS
    assert num_attempts == [alone + 1, alone]
    assert staged_files(built.output) == []
