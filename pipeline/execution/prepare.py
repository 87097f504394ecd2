"""From a recipe to a plan that can run: lists the inputs, pins the files, checks the steps. Runs nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from pipeline.artifact import Manifest
from pipeline.errors import PlanError, StorageError
from pipeline.execution.commit import file_digest
from pipeline.execution.imports import ImportedArtifact, find_import
from pipeline.io.reading import source_schema
from pipeline.io.splits import InputShard, plan_input_shards
from pipeline.io.storage import InputFile, list_inputs
from pipeline.io.store import Place
from pipeline.io.system_errors import explained
from pipeline.operator import FileRef, Operator
from pipeline.plan.check import check_recipe
from pipeline.plan.checked_step import CheckedStep
from pipeline.plan.identity import StepIdentity, identify_step, sources_fingerprint
from pipeline.plan.logical import Node, Recipe, Repeat, Step
from pipeline.plan.stages import partition_count


@dataclass(frozen=True, slots=True)
class PreparedRecipe:
    """A recipe whose inputs are known and whose steps fit together."""

    recipe: Recipe
    directory: Path
    """What relative paths in the recipe are relative to."""
    files: Mapping[str, tuple[InputFile, ...]]
    """Input files by source."""
    schemas: Mapping[str, pa.Schema]
    steps: Mapping[str, CheckedStep]
    """In build order."""
    shards: Mapping[tuple[str, ...], tuple[InputShard, ...]]
    """Input shards by the sources that are read together."""
    imports: Mapping[str, ImportedArtifact]
    """Artifacts of other runs, by the name under which steps read them."""
    input_bytes: int
    """Decompressed bytes of all sources, estimated where compressed."""

    @property
    def num_partitions(self) -> int:
        """Partitions of every exchange of this build."""
        return partition_count(self.input_bytes, self.recipe.layout)

    def checked(self, name: str) -> CheckedStep:
        """A step, or an import as if it were one."""
        return self.steps[name] if name in self.steps else self.imports[name].checked

    def input_shards(self, step: Step) -> tuple[InputShard, ...]:
        """The shards of the sources of a step's view."""
        return self.shards.get(step.view.sources, ())

    def sources_fingerprint(self, step: Step) -> str:
        """What columns and removals over a step's sources belong to."""
        return sources_fingerprint(step.view.sources, self.recipe.sources, self.input_shards(step))

    def identify(self, name: str, parents: Mapping[str, StepIdentity]) -> StepIdentity:
        """The identity of a step, given its parents'."""
        return identify_step(
            self.steps[name],
            parents,
            layout=self.recipe.layout,
            num_partitions=self.num_partitions,
            sources=self.recipe.sources,
            input_shards=self.input_shards(self.steps[name].step),
        )


def prepare(recipe: Recipe, directory: Path) -> PreparedRecipe:
    """Lists inputs and checks everything that can be checked before work begins.

    Args:
        directory: what relative paths in the recipe are relative to.

    Raises:
        PlanError: names, order or structure are wrong, or a source matches no file.
        SchemaError: columns or types do not fit.
        StorageError: an input or a file cannot be read.
    """
    with explained(f"recipe {recipe.name}"):
        return _prepare(recipe, directory)


def _prepare(recipe: Recipe, directory: Path) -> PreparedRecipe:
    directory = directory.absolute()  # workers of a running cluster have another current folder
    used = {name for step in recipe.steps for name in step.view.sources}
    unknown = sorted(used - set(recipe.sources))
    if unknown:
        raise PlanError(
            f"recipe {recipe.name}: steps read sources {unknown}, which are not defined; sources: "
            f"{sorted(recipe.sources)}"
        )
    files = {name: list_inputs(name, recipe.sources[name], directory) for name in sorted(used)}
    schemas = {name: source_schema(recipe.sources[name], files[name]) for name in files}
    pinned = recipe.model_copy(update={"steps": tuple(_pin_step(step, directory) for step in recipe.steps)})
    shards = {
        step.view.sources: plan_input_shards(
            [file for name in step.view.sources for file in files[name]], recipe.sources, recipe.layout
        )
        for step in pinned.steps
        if step.view.sources
    }
    input_bytes = sum(
        split.estimated_bytes for planned in shards.values() for shard in planned for split in shard.splits
    )
    imports = {name: find_import(name, wanted, directory) for name, wanted in recipe.imports.items()}
    checked = check_recipe(pinned, schemas, {name: found.checked for name, found in imports.items()})
    return PreparedRecipe(pinned, directory, files, schemas, checked, shards, imports, input_bytes)


def pin_step_files(operators: tuple[Operator, ...], manifests: Mapping[str, Manifest]) -> tuple[Operator, ...]:
    """Operators whose `step:` files are bound to what those steps left."""

    def placed(ref: FileRef) -> FileRef:
        path = _artifact_file(ref, manifests)
        return ref if path is None else ref.pin(path)

    return tuple(operator.with_files(placed) for operator in operators)


def _pin_step(step: Step, directory: Path) -> Step:
    def pinned(node: Node) -> Node:
        if isinstance(node, Repeat):
            return node.model_copy(update={"nodes": tuple(map(pinned, node.nodes))})
        if isinstance(node, Operator):
            return node.with_files(lambda ref: ref if ref.step else ref.pinned(directory))
        return node

    beyond = tuple(map(pinned, step.beyond_memory))
    return step.model_copy(update={"nodes": tuple(map(pinned, step.nodes)), "beyond_memory": beyond})


def _artifact_file(reference: FileRef, manifests: Mapping[str, Manifest]) -> Place | None:
    if reference.step is None:
        return None
    files = manifests[reference.step].shards[0].files
    if reference.file_name not in files:
        raise PlanError(f"file {reference.uri!r}: step {reference.step!r} left no such file; files: {sorted(files)}")
    recorded = files[reference.file_name]
    path = manifests[reference.step].folder / recorded.name
    if not path.is_file() or file_digest(path) != recorded.digest:
        raise StorageError(
            f"file {reference.uri!r}: expected {str(path)!r} as the step left it; it is gone or has another "
            "content; remove the step's folder and run again"
        )
    return path
