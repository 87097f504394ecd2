"""Makes the tokenizer and the classifier that the quickstart ships, by its models recipe, and puts them in their place.

Run as `python -m jobs.quickstart_models`. Both files are the same, byte for byte, whenever they are made from the same
documents with the same lock file on the same CPU architecture.
"""

import shutil
import sys
from pathlib import Path
from typing import Final

from jobs.progress import show_progress
from operators.catalogue import catalogue
from pipeline.artifact import Manifest
from pipeline.io.scratch import local_copy
from pipeline.recipe import load_recipe
from pipeline.run import run_recipe

RECIPE: Final = Path(__file__).parent / "recipes" / "quickstart-models.yaml"
SHIPPED: Final = RECIPE.parent / "quickstart"
MODELS: Final = {
    ("tokenizer", "tokenizer.json"): "tokenizer.json",
    ("quality", "model.bin"): "quality.bin",
}
"""(step, file of its model) -> name under which the quickstart ships it."""


def make_models(output: Path, target: Path) -> tuple[Path, ...]:
    """Builds the models recipe in `output` and copies its models into `target`."""
    with show_progress() as watch:
        run = run_recipe(load_recipe(RECIPE, catalogue()), output, directory=RECIPE.parent, watch=watch)
    placed = []
    for (step, file), name in MODELS.items():
        shutil.copyfile(model_path(run.manifests[step], file), target / name)
        placed.append(target / name)
    return tuple(placed)


def model_path(manifest: Manifest, file: str) -> Path:
    """Where a file of a model artifact lies."""
    return Path(local_copy(str(manifest.folder / manifest.shards[0].files[file].name)))


if __name__ == "__main__":
    for path in make_models(Path("runs/quickstart-models"), SHIPPED):
        print(path, file=sys.stdout)  # noqa: T201 - the command's output
