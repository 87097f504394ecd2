"""A build that dies where the environment says: in a forked process, or as a program that drives Ray."""

import multiprocessing
import os
import subprocess
import sys
from collections.abc import Callable
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Final

from pipeline.execution.faults import VARIABLE
from pipeline.plan.logical import Recipe
from tests.builds import run_build
from tests.small import small

TIMEOUT_SECONDS: Final = 120
_LIBRARIES: Final = ("torch", "transformers.models.bert.modeling_bert")
"""What takes longest to import; passed over where it is not installed."""


def fragile() -> Recipe:
    """What these tests build: cheap operators, an exchange, several shards and partitions."""
    return small(shard_bytes=1 << 14)


def clean_context() -> ForkServerContext:
    """Starts processes that have the project's modules and nothing else of this one: a server imports them once."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__, *_LIBRARIES])
    return context


def crash_locally(point: str, inputs: Path, output: Path, recipe: Callable[[], Recipe] = fragile) -> int:
    """The exit code of a process that builds on the local runner and dies at `point`; 0 if it never got there."""
    process = clean_context().Process(target=_build, args=(point, inputs, output, recipe))
    process.start()
    process.join(TIMEOUT_SECONDS)
    code = process.exitcode
    if code is None:
        process.kill()
        process.join()
    process.close()
    assert code is not None, f"the build that should die at {point} hangs"
    return code


def crash_on_ray(point: str, inputs: Path, output: Path, ray_folder: Path) -> int:
    """The exit code of a program that builds on a Ray cluster of its own, under `ray_folder`, and dies at `point`."""
    environment = os.environ | {VARIABLE: point, "RAY_TMPDIR": str(ray_folder)}
    arguments = [sys.executable, "-m", __name__, str(inputs), str(output)]
    return subprocess.run(arguments, env=environment, timeout=TIMEOUT_SECONDS, check=False).returncode


def _build(point: str, inputs: Path, output: Path, recipe: Callable[[], Recipe]) -> None:
    os.environ[VARIABLE] = point
    run_build(recipe(), inputs, output)


def _main(inputs: str, output: str) -> None:
    from pipeline.execution.on_ray.runner import RayRunner  # noqa: PLC0415 -- local builds pay nothing for it

    run_build(fragile(), Path(inputs), Path(output), RayRunner(workers=2))


if __name__ == "__main__":
    _main(*sys.argv[1:])
