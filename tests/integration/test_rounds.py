"""Rounds find the components of any graph, with the same bytes on both runners."""

import random
from itertools import pairwise
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from pipeline.artifact import DATA
from pipeline.errors import OperatorError, PlanError
from pipeline.execution.work import Execution
from tests.builds import Built, MakeRunner, run_build, tree_digest
from tests.corpus import write_files
from tests.graphs import components_of_edges
from tests.rounds import ROUNDS, clusters, edge_files, rounds

_RANDOM = random.Random(2)
_ORDER = _RANDOM.sample(range(300), 300)
GRAPHS = {
    "chain": [(node, node + 1) for node in range(100)],
    "shuffled chain": list(pairwise(_ORDER)),
    "star": [(299, node) for node in range(299)],
    "one giant component and small ones": [(_RANDOM.randrange(300), _RANDOM.randrange(300)) for _ in range(180)],
    "pairs": [(2 * node, 2 * node + 1) for node in range(50)],
}


def sizes(built: Built) -> list[tuple[int, int]]:
    """(cluster, cluster_size) of every node that has company."""
    manifest = built.manifest("components")
    paths = [manifest.path(shard, DATA) for shard in range(len(manifest.shards))]
    return sorted(tuple(row.values()) for row in pq.read_table(paths).to_pylist())


def num_rounds(built: Built) -> int:
    """From the segments of the step: one before, one after, two a round."""
    return (built.steps_of("segment_started").count("components") - 2) // 2


@pytest.mark.parametrize("graph", GRAPHS)
def test_components(graph: str, tmp_path: Path) -> None:
    edges = [edge for edge in GRAPHS[graph] if edge[0] != edge[1]]
    built = run_build(rounds(), write_files(tmp_path / "in", edge_files(edges)), tmp_path / "out")
    components = components_of_edges(edges)
    expected = [(min(component), len(component)) for component in components for _ in component]
    assert sizes(built) == sorted(expected)
    assert not list(built.manifest("components").folder.glob("segment-*"))


def test_rounds_grow_with_the_logarithm_of_a_chain(tmp_path: Path) -> None:
    """The last one finds that nothing changes."""
    found = {}
    for length in (2, 100):
        inputs = write_files(tmp_path / f"in{length}", edge_files([(node, node + 1) for node in range(length - 1)]))
        found[length] = num_rounds(run_build(rounds(), inputs, tmp_path / f"out{length}"))
    assert found == {2: 1, 100: 8}


def test_more_rounds_than_allowed_are_refused_and_can_go_on(tmp_path: Path) -> None:
    inputs = write_files(tmp_path / "in", edge_files(GRAPHS["chain"]))
    short = ROUNDS.model_copy(update={"max_rounds": 3})
    with pytest.raises(
        OperatorError, match=r"step components: .*max_rounds 3; \d+ rows .* are changed; raise max_rounds"
    ):
        run_build(rounds(short), inputs, tmp_path / "out")
    resumed = run_build(rounds(), inputs, tmp_path / "out")
    fresh = run_build(rounds(), inputs, tmp_path / "fresh")
    assert tree_digest(resumed.output) == tree_digest(fresh.output)
    assert resumed.num_units < fresh.num_units


def files_of(built: Built) -> list[bytes]:
    """What the shards of the clusters hold, byte for byte."""
    manifest = built.manifest("clusters")
    return [Path(str(manifest.path(shard, DATA))).read_bytes() for shard in range(len(manifest.shards))]


@pytest.mark.parametrize("graph", ["shuffled chain", "one giant component and small ones"])
def test_a_task_beyond_its_memory_gives_way_to_rounds_with_the_same_columns(graph: str, tmp_path: Path) -> None:
    edges = [edge for edge in GRAPHS[graph] if edge[0] != edge[1]]
    # One shard that has all the rows which the edges name, some of them without company.
    edges += [(node, node) for node in range(300 - len(edges))]
    inputs = write_files(tmp_path / "in", edge_files(edges, num_files=1))
    in_memory = run_build(clusters(8 * len(edges)), inputs, tmp_path / "memory")
    in_rounds = run_build(clusters(8 * len(edges) - 1), inputs, tmp_path / "rounds")
    assert in_memory.steps_of("segment_started").count("clusters") == 1
    assert in_rounds.steps_of("segment_started").count("clusters") >= 5
    assert files_of(in_rounds) == files_of(in_memory)
    rows = pq.read_table(in_memory.manifest("clusters").path(0, DATA)).to_pylist()
    found = [(row["cluster"], row["cluster_size"]) for row in rows if row["cluster"] is not None]
    components = components_of_edges(edge for edge in edges if edge[0] != edge[1])
    assert sorted(found) == sorted((min(component), len(component)) for component in components for _ in component)


def test_a_task_beyond_its_memory_with_nothing_else_to_run_is_refused(tmp_path: Path) -> None:
    inputs = write_files(tmp_path / "in", edge_files(GRAPHS["chain"], num_files=1))
    recipe = clusters(memory_bytes=100)
    alone = recipe.steps[2].model_copy(update={"beyond_memory": ()})
    with pytest.raises(PlanError, match=r"step clusters: expected a base that fits .* 100 rows; raise its memory"):
        run_build(recipe.model_copy(update={"steps": (*recipe.steps[:2], alone)}), inputs, tmp_path / "out")


@pytest.mark.ray
def test_ray_gives_the_same_bytes(tmp_path: Path, make_ray_runner: MakeRunner) -> None:
    inputs = write_files(tmp_path / "in", edge_files(GRAPHS["shuffled chain"]))
    local = run_build(rounds(), inputs, tmp_path / "local")
    execution = Execution(batch_rows=7, exchange_memory_bytes=1 << 12)
    on_ray = run_build(rounds(), inputs, tmp_path / "ray", make_ray_runner(workers=2), execution)
    assert tree_digest(on_ray.output) == tree_digest(local.output)
