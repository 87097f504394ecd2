"""A second run does what is missing and nothing else."""

import json
import shutil
from pathlib import Path

import pytest

from tests.builds import Built, MakeRunner, modification_times, run_build, tree_digest
from tests.corpus import write_files
from tests.integration.everything import everything
from tests.small import lines, small


@pytest.fixture
def finished(reference: Built, tmp_path: Path) -> Path:
    """A copy of the finished build, with its times."""
    return shutil.copytree(reference.output, tmp_path / "out")


def test_a_finished_recipe_writes_nothing(
    finished: Path, reference: Built, corpus: Path, make_runner: MakeRunner
) -> None:
    times = modification_times(finished)
    again = run_build(everything(), corpus, finished, make_runner())
    assert again.steps_of("step_cached") == list(reference.steps)
    assert all(step.was_cached for step in again.steps.values())
    assert again.num_units == 0
    assert modification_times(finished) == times
    assert tree_digest(finished) == tree_digest(reference.output)


def test_an_edited_share_reruns_the_threshold_and_what_depends_on_it(
    finished: Path, reference: Built, corpus: Path
) -> None:
    again = run_build(everything(share=0.4), corpus, finished)
    redone = {"best.threshold", "best", "vocabulary", "tokens", "chunks", "bins", "indexed", "flat"}
    assert {name for name, step in again.steps.items() if not step.was_cached} == redone
    assert again.manifest("best").total("rows_dropped") > reference.manifest("best").total("rows_dropped")


def test_an_edited_leaf_reruns_alone(finished: Path, reference: Built, corpus: Path) -> None:
    times = modification_times(finished)
    again = run_build(everything(overrides=("chunks.concat_and_chunk.window=600",)), corpus, finished)
    assert [name for name, step in again.steps.items() if not step.was_cached] == ["chunks"]
    assert times.items() <= modification_times(finished).items(), "what was there is as it was"
    assert reference.manifest("chunks").folder.name != again.manifest("chunks").folder.name
    named = {entry["step"]: entry["folder"] for entry in json.loads((finished / "run.json").read_text())["steps"]}
    assert named["chunks"] == f"steps/{again.manifest('chunks').folder.name}"


def test_going_back_to_an_earlier_recipe_finds_everything(finished: Path, corpus: Path, reference: Built) -> None:
    run_build(everything(overrides=("chunks.concat_and_chunk.window=600",)), corpus, finished)
    back = run_build(everything(), corpus, finished)
    assert back.num_units == 0
    assert (finished / "run.json").read_bytes() == (reference.output / "run.json").read_bytes()


def test_an_added_input_file_leaves_most_shards_as_they_were(tmp_path: Path) -> None:
    files = {f"docs/{number:02d}.jsonl": lines(range(20 * number, 20 * number + 20)) for number in range(40)}
    inputs = write_files(tmp_path / "in", files)
    before = run_build(small(shard_bytes=20_000), inputs, tmp_path / "out")
    write_files(inputs, {"docs/17-and-a-half.jsonl": lines(range(5000, 5020))})
    after = run_build(small(shard_bytes=20_000), inputs, tmp_path / "out")

    old, new = ({shard.fingerprint for shard in built.manifest("documents").shards} for built in (before, after))
    assert len(old) > 10
    assert len(old - new) <= 3
    assert after.manifest("documents").total("rows_read") == before.manifest("documents").total("rows_read") + 20
    shared = {
        shard.fingerprint: shard.files for shard in before.manifest("documents").shards if shard.fingerprint in new
    }
    for shard in after.manifest("documents").shards:
        if shard.fingerprint in shared:
            digests = {role: file.digest for role, file in shard.files.items()}
            assert digests == {role: file.digest for role, file in shared[shard.fingerprint].items()}

    assert 0 < after.steps_of("unit_finished").count("documents") <= 3, "the others were taken over"
    fresh = run_build(small(shard_bytes=20_000), inputs, tmp_path / "fresh")
    assert tree_digest(fresh.output).items() <= tree_digest(after.output).items()
