"""A new input file rebuilds its own shards; the others are taken over from the earlier build."""

import json
from pathlib import Path

import pytest

from operators.dedup.content_hash import ContentHash
from operators.quality.gopher_quality import GopherQuality
from pipeline.execution.local import LocalRunner
from pipeline.execution.runner import SegmentJob
from pipeline.plan.logical import ArtifactKind, Layout, Recipe, Source, Step, View
from pipeline.run import Run, run_recipe

NUM_FILES = 12


class CountingRunner(LocalRunner):
    """Knows how many units it was given, by step."""

    def __init__(self) -> None:
        self.units: dict[str, int] = {}

    def run_segment(self, job: SegmentJob, watch):
        step = job.stages[0].folder.step
        self.units[step] = self.units.get(step, 0) + len(job.units)
        return super().run_segment(job, watch)


def write_input(folder: Path, name: str) -> None:
    texts = (f"the {name} and that of {row} " * 30 for row in range(20))
    (folder / name).write_text(
        "".join(json.dumps({"id": f"{name}-{i}", "text": t}) + "\n" for i, t in enumerate(texts))
    )


def recipe(folder: Path) -> Recipe:
    steps = (
        Step(
            name="documents",
            view=View(sources=("web",)),
            nodes=(GopherQuality(),),
            write=ArtifactKind.DOCUMENTS,
        ),
        Step(name="hashes", view=View(base="documents"), nodes=(ContentHash(),), write=ArtifactKind.COLUMNS),
    )
    source = Source(paths=(str(folder / "*.jsonl"),))
    return Recipe(name="grows", sources={"web": source}, steps=steps, layout=Layout(shard_bytes=20_000))


def tree(run: Run) -> dict[str, bytes]:
    folders = [manifest.folder for manifest in run.manifests.values()]
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    return {path.relative_to(run.output).as_posix(): path.read_bytes() for path in files}


@pytest.fixture
def inputs(tmp_path: Path) -> Path:
    folder = tmp_path / "inputs"
    folder.mkdir()
    for number in range(NUM_FILES):
        write_input(folder, f"part-{number:02d}.jsonl")
    return folder


def test_most_shards_are_taken_over_and_the_bytes_are_those_of_a_fresh_build(inputs: Path, tmp_path: Path) -> None:
    first = run_recipe(recipe(inputs), tmp_path / "grown", runner=LocalRunner())
    write_input(inputs, "part-03b.jsonl")
    counting = CountingRunner()
    grown = run_recipe(recipe(inputs), tmp_path / "grown", runner=counting)
    fresh = run_recipe(recipe(inputs), tmp_path / "fresh", runner=LocalRunner())

    num_shards = len(grown.manifests["documents"].shards)
    assert len(first.manifests["documents"].shards) > 4
    assert 0 < counting.units["documents"] <= num_shards // 2
    assert 0 < counting.units["hashes"] <= num_shards // 2
    assert tree(grown) == tree(fresh)
    assert not list((tmp_path / "grown" / "tmp").iterdir())
