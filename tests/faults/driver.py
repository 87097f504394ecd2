"""A driver as a process of its own: `python -m tests.faults.driver INPUTS OUTPUT ADDRESS` builds on a Ray cluster.

It keeps logs/events.jsonl, by which its moments are known from outside.
"""

import sys
from pathlib import Path
from typing import Final

from jobs.termination import ends_by_signal
from pipeline.execution.on_ray.runner import RayRunner
from pipeline.run import run_recipe
from tests.faults.real_recipe import real_recipe

WORKERS: Final = 2


def main(inputs: str, output: str, address: str) -> None:
    """Exit code 0: built; signals end it as they end `corpusmill run`."""
    with ends_by_signal():
        runner = RayRunner(workers=WORKERS, address=address)
        try:
            run_recipe(real_recipe(), Path(output), directory=inputs, runner=runner)
        finally:
            runner.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
