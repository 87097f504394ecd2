"""Artifacts of other runs, which a recipe reads by a name of its own.

An import is what its manifest's fingerprint and its files' digests say, wherever the other run lies.
"""

from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.artifact import DATA, FileRecord, Manifest, load_manifest
from pipeline.errors import PlanError, StorageError
from pipeline.execution.commit import file_digest
from pipeline.fingerprint import fingerprint
from pipeline.io.scratch import local_copy
from pipeline.io.storage import is_url
from pipeline.io.store import Place, num_bytes, place_of
from pipeline.plan.checked_step import CheckedStep, imported_step
from pipeline.plan.identity import StepIdentity, with_checksums
from pipeline.plan.logical import BASE_KINDS, ArtifactKind, Import
from pipeline.recorded_run import load_run

_KINDS = frozenset({*BASE_KINDS, ArtifactKind.MODEL})


@dataclass(frozen=True, slots=True)
class ImportedArtifact:
    """A finished artifact of another run."""

    name: str
    """By which steps read it."""
    run: Place
    """The output folder that it lies in."""
    checked: CheckedStep
    manifest: Manifest
    identity: StepIdentity


def find_import(name: str, wanted: Import, directory: Path) -> ImportedArtifact:
    """The artifact that an import names.

    Args:
        name: of the import.
        wanted: which run and step.
        directory: what the run's path is relative to.

    Raises:
        PlanError: the run has no such step, or what it left cannot be read by name.
        StorageError: there is no run, the step is not finished, or its files are not what it left.
    """
    run = place_of(wanted.run) if is_url(wanted.run) else directory / wanted.run
    try:
        steps = {step.step: step for step in load_run(run).steps}
    except StorageError as error:
        raise StorageError(f"imports.{name}: {error}") from error
    if wanted.step not in steps:
        raise PlanError(f"imports.{name}: run {wanted.run!r} has no step {wanted.step!r}; steps: {sorted(steps)}")
    folder = steps[wanted.step].folder
    manifest = None if folder is None else load_manifest(run / folder)
    if manifest is None:
        raise StorageError(
            f"imports.{name}: expected step {wanted.step!r} of run {wanted.run!r} to be finished; found no manifest; "
            "run its recipe to the end"
        )
    if manifest.kind not in _KINDS:
        raise PlanError(
            f"imports.{name}: expected {sorted(kind.value for kind in _KINDS)}; step {wanted.step!r} of run "
            f"{wanted.run!r} writes {manifest.kind.value}, which belong to rows of that run"
        )
    for record in _files(manifest):
        _check_size(name, manifest, record)
    contents = [_content(manifest, shard) for shard in range(len(manifest.shards))]
    own = StepIdentity(manifest.fingerprint, tuple(s.fingerprint for s in manifest.shards), manifest.operators)
    checked = imported_step(name, manifest.kind, _schema(name, manifest))
    return ImportedArtifact(name, run, checked, manifest, with_checksums(own, contents))


def check_import_files(found: ImportedArtifact) -> None:
    """Reads every file of an import, before the first step works with it.

    Raises:
        StorageError: one has another content than its run left.
    """
    for record in _files(found.manifest):
        digest = file_digest(found.manifest.folder / record.name)
        if digest != record.digest:
            raise _damaged(found.name, found.manifest, record, f"digest {record.digest}", digest)


def _files(manifest: Manifest) -> list[FileRecord]:
    """What of an artifact is read by name: rows, or the files of a model."""
    roles = None if manifest.kind is ArtifactKind.MODEL else {DATA}
    return [
        record for shard in manifest.shards for role, record in shard.files.items() if roles is None or role in roles
    ]


def _check_size(name: str, manifest: Manifest, record: FileRecord) -> None:
    path = manifest.folder / record.name
    found = num_bytes(path) if path.is_file() else None
    if found != record.num_bytes:
        raise _damaged(
            name, manifest, record, f"{record.num_bytes} bytes", "no file" if found is None else f"{found} bytes"
        )


def _damaged(name: str, manifest: Manifest, record: FileRecord, expected: str, found: str) -> StorageError:
    return StorageError(
        f"imports.{name}: file {str(manifest.folder / record.name)!r}: expected {expected}, as step "
        f"{manifest.step!r} left it; found {found}; restore the run, or remove the step's folder there and run its "
        "recipe again"
    )


def _content(manifest: Manifest, shard: int) -> str:
    return fingerprint({role: record.digest for role, record in manifest.shards[shard].files.items()})


def _schema(name: str, manifest: Manifest) -> pa.Schema:
    """Columns with their types, which a manifest only spells."""
    path = manifest.path(0, DATA)
    if path is None:
        return pa.schema([])
    stored = pq.read_schema(local_copy(path))
    schema = pa.schema([pa.field(field.name, _in_memory(field.type), field.nullable) for field in stored])
    spelled = {field.name: str(field.type) for field in schema}
    if spelled != manifest.columns:
        raise StorageError(
            f"imports.{name}: file {path!r}: expected columns {manifest.columns}; found {spelled}; restore the run"
        )
    return schema


def _in_memory(kind: pa.DataType) -> pa.DataType:
    """A type as operators spell it: Parquet has its own name for the values of lists."""
    if pa.types.is_fixed_size_list(kind):
        return pa.list_(_values(kind), kind.list_size)
    if pa.types.is_large_list(kind):
        return pa.large_list(_values(kind))
    return pa.list_(_values(kind)) if pa.types.is_list(kind) else kind


def _values(kind: pa.DataType) -> pa.Field:
    values = kind.value_field
    # Arrow's own name for them: a list type that does not name its values has it.
    return pa.field("item", _in_memory(values.type), values.nullable)
