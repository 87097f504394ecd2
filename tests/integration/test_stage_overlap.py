"""A slow stage on scarce actors and a quick one on CPUs run side by side: the next unit is always ready.

What that is worth in time is measured by `make bench-models` (stage_overlap), on an idle machine.
"""

from pathlib import Path

import pytest

from pipeline.execution.runner import Runner
from tests.builds import run_build
from tests.corpus import write_files
from tests.sample_operators import Timed
from tests.small import read, small_files

NUM_SHARDS = 12
SLOW_SECONDS, QUICK_SECONDS = 0.25, 0.05
MOST_ON_THEIR_WAY = 5
"""Two units at the slow actor and two that wait for it, one more that is just done."""

Span = tuple[float, float]


def spans(folder: Path, column: str) -> list[Span]:
    """Start and end of each call, in order of time."""
    texts = [path.read_text().split() for path in folder.glob(f"{column}-*")]
    return sorted((float(start), float(end)) for start, end in texts)


@pytest.fixture(scope="module")
def timed(ray_runner: Runner, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the calls of a build on two workers have left their times."""
    root = tmp_path_factory.mktemp("overlap")
    inputs = write_files(root / "in", small_files(num_documents=10 * NUM_SHARDS, num_files=NUM_SHARDS))
    folder = root / "times"
    folder.mkdir()
    recipe = read(
        Timed(folder=str(folder), column="quick", seconds=QUICK_SECONDS),
        Timed(folder=str(folder), column="slow", seconds=SLOW_SECONDS, fancy=True),
        shard_bytes=1 << 10,
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ray_runner, "_max_workers", 2)
        built = run_build(recipe, inputs, root / "out", ray_runner)
    assert len(built.manifest("documents").shards) >= NUM_SHARDS
    return folder


@pytest.mark.ray
def test_the_quick_stage_works_ahead_and_no_further_than_it_may(timed: Path) -> None:
    quick, slow = spans(timed, "quick"), spans(timed, "slow")
    done_early = [end for _, end in quick]
    for number, (start, _) in enumerate(slow[1:-1], 1):
        assert done_early[number + 1] < slow[number][1], "the next unit is ready before this one has finished"
        ahead = sum(end <= start for end in done_early) - number
        assert ahead <= MOST_ON_THEIR_WAY
