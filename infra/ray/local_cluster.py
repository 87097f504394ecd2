"""Builds a recipe on a Ray cluster of several nodes on this machine, which is stopped afterwards.

`python -m infra.ray.local_cluster RECIPE --output DIR`. Options that this command does not know go to `corpusmill run`.

Each node is a raylet of its own with its own object store, so shards travel between nodes as they do between machines;
disks and network are shared. All listen on loopback alone and ask for a token. The build is an ordinary `corpusmill run
--address` in a process of its own. Other Ray clusters on the machine stay.

Tried: Ray 2.60, three nodes of one CPU, so one actor each, on a machine of two, benchmarks/recipes/spine.yaml over 20
shards: same digest as `corpusmill run --runner local` (python -m infra.ray.tree_digest). A smaller recipe repeats this
in tests/integration/test_infra.py.
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path
from typing import Final

from ray.cluster_utils import Cluster

from pipeline.execution.on_ray.cluster import private_cluster

ROOT: Final = Path(__file__).resolve().parents[2]
NUM_NODES: Final = 3
OBJECT_STORE_BYTES: Final = 256 << 20
"""For each node; /dev/shm holds all of them."""


def run_on_cluster(command: list[str], *, num_nodes: int, cpus_per_node: int) -> int:
    """The exit code of `command` with `--address` of a new cluster, which is gone afterwards."""
    with private_cluster():
        cluster = Cluster()
        try:
            for _ in range(num_nodes):
                cluster.add_node(
                    num_cpus=cpus_per_node, object_store_memory=OBJECT_STORE_BYTES, include_dashboard=False
                )
            cluster.wait_for_nodes()
            environment = os.environ | {"PYTHONPATH": str(ROOT)}
            command = [*command, "--address", cluster.address]
            return subprocess.run(command, env=environment, check=False).returncode
        finally:
            cluster.shutdown()


def main() -> None:
    """Exit code: that of the build."""
    parser = argparse.ArgumentParser(prog="python -m infra.ray.local_cluster", allow_abbrev=False)
    parser.add_argument("recipe", type=Path)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--nodes", type=int, default=NUM_NODES)
    parser.add_argument("--cpus-per-node", type=int, default=1)
    given, options = parser.parse_known_args()
    workers = given.nodes * given.cpus_per_node
    command = [sys.executable, "-m", "jobs", "run", str(given.recipe), "--output", str(given.output)]
    command += ["--runner", "ray", "--workers", str(workers), *options]
    raise SystemExit(run_on_cluster(command, num_nodes=given.nodes, cpus_per_node=given.cpus_per_node))


if __name__ == "__main__":
    main()
