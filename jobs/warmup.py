"""Compiles all Numba kernels into their cache on disk, so that the first run or test does not wait for it.

Run as `python -m jobs.warmup`. It builds the quickstart from its smallest source in a temporary folder: kernels are
compiled per types of arguments, so nothing but a build finds the types that builds use.
"""

import sys
import tempfile
from pathlib import Path
from typing import Final

from operators.catalogue import catalogue
from operators.pack.concat_and_chunk import ConcatAndChunk
from operators.pack.first_fit import FirstFit
from operators.pack.length_sorted_greedy import LengthSortedGreedy
from pipeline.plan.logical import ArtifactKind, Recipe, Step, View
from pipeline.recipe import load_recipe
from pipeline.run import run_recipe

QUICKSTART: Final = Path(__file__).parent / "recipes" / "quickstart.yaml"
SOURCE: Final = "opentelemetry"


def warmup_recipe() -> Recipe:
    """The quickstart over one source, with the packings that it does not use beside the one that it does."""
    recipe = load_recipe(QUICKSTART, catalogue(), [f"documents.read=[{SOURCE}]"])
    packings = (ConcatAndChunk(window=64), FirstFit(window=64), LengthSortedGreedy(window=64))
    steps = [
        Step(name=packing.name, view=View(base="tokens"), nodes=(packing,), write=ArtifactKind.TABLE)
        for packing in packings
    ]
    return recipe.model_copy(update={"steps": (*recipe.steps, *steps)})


def compile_kernels() -> float:
    """Seconds that it took; little where all is compiled already."""
    with tempfile.TemporaryDirectory() as folder:
        return run_recipe(warmup_recipe(), Path(folder), directory=QUICKSTART.parent).seconds


if __name__ == "__main__":
    print("compiling kernels, a minute at most ...", file=sys.stderr)  # noqa: T201 - the command's output
    print(f"kernels compiled: {compile_kernels():.1f} s", file=sys.stderr)  # noqa: T201 - the command's output
