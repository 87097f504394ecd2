"""What a build would do: steps, stages, actors, and what is already there. Writes nothing."""

from collections.abc import Iterator

from pipeline.artifact import DATA, Manifest
from pipeline.execution.commit import StepFolder
from pipeline.execution.prepare import PreparedRecipe
from pipeline.io.store import Place
from pipeline.plan.explain import describe_step
from pipeline.plan.identity import StepIdentity, is_hardware, with_checksums
from pipeline.plan.logical import ArtifactKind
from pipeline.plan.stages import plan_segments


def preview_plan(prepared: PreparedRecipe, output: Place, *, workers: int) -> Iterator[str]:
    """The plan as lines of text.

    A step below an unbuilt step whose results depend on the hardware has no fingerprint yet.
    """
    recipe = prepared.recipe
    num_files = sum(len(files) for files in prepared.files.values())
    yield (
        f"recipe {recipe.name}: {len(prepared.steps)} steps over {num_files} files, "
        f"about {prepared.input_bytes / 1e6:.1f} MB decompressed; exchanges of {prepared.num_partitions} partitions; "
        f"at most {workers} actors"
    )
    for name, found in prepared.imports.items():
        yield f"import {name}: {found.manifest.kind.value} of step {found.manifest.step}, {_shards(found.identity)}"
    identities = {name: found.identity for name, found in prepared.imports.items()}
    for name, identity, manifest in _what_is_there(prepared, output, identities):
        checked = prepared.steps[name]
        yield ""
        yield _heading(name, identity, manifest, checked.step.write, workers)
        base_shards = len(prepared.input_shards(checked.step))
        if checked.base is not None and checked.base in identities:
            base_shards = identities[checked.base].num_shards
        base_shards += sum(identities[table].num_shards for table in checked.step.view.against if table in identities)
        segments = plan_segments(checked, num_partitions=prepared.num_partitions, num_base_shards=base_shards)
        yield from describe_step(checked, segments)


def built_steps(prepared: PreparedRecipe, output: Place) -> frozenset[str]:
    """Steps that a build would find finished."""
    identities = {name: found.identity for name, found in prepared.imports.items()}
    found = _what_is_there(prepared, output, identities)
    return frozenset(name for name, _, manifest in found if manifest is not None)


def _what_is_there(
    prepared: PreparedRecipe, output: Place, identities: dict[str, StepIdentity]
) -> Iterator[tuple[str, StepIdentity | None, Manifest | None]]:
    """Each step with its identity and its manifest, as far as they exist; `identities` gets those that others need."""
    for name, checked in prepared.steps.items():
        known = all(parent in identities for parent in checked.step.parents)
        identity = prepared.identify(name, identities) if known else None
        manifest: Manifest | None = None
        if identity is not None:
            manifest = StepFolder(output, name, identity.fingerprint).manifest()
            if not is_hardware(checked):
                identities[name] = identity
            elif manifest is not None:
                identities[name] = with_checksums(identity, [shard.files[DATA].digest for shard in manifest.shards])
        yield name, identity, manifest


def _heading(
    name: str, identity: StepIdentity | None, manifest: Manifest | None, kind: ArtifactKind, workers: int
) -> str:
    if identity is None:
        return f"{name} -> {kind.value}, fingerprint known once the scores above are built"
    state = "already built" if manifest is not None else f"to build on {min(workers, identity.num_shards)} actors"
    return f"{name} -> {kind.value}, {_shards(identity)}, {identity.fingerprint[:12]}, {state}"


def _shards(identity: StepIdentity) -> str:
    return f"{identity.num_shards} shard{'s' if identity.num_shards != 1 else ''}"
