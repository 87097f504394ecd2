"""What a disturbed build is judged by: its bytes, its documents and its staging area, beside the undisturbed build."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow.parquet as pq

from pipeline.artifact import DATA, IDENTITY, Manifest, load_manifest
from pipeline.document import DOC_ID

_ROLES: Final = (IDENTITY, DATA)


@dataclass(frozen=True, slots=True)
class Outcome:
    """All zero where the disturbance did no harm."""

    differing_bytes: int
    """Of files under the same name the bytes that are not equal; of files that one of them lacks all."""
    lost: int
    """Documents, over all artifacts that name them, that the undisturbed build has and this one has not."""
    duplicated: int
    """Documents that this one has too often."""
    left_in_staging: int
    """Files in tmp/."""


HARMLESS: Final = Outcome(0, 0, 0, 0)


def compare(output: Path, undisturbed: Path) -> Outcome:
    """What differs between two output folders, logs/ aside."""
    found, expected = _files(output), _files(undisturbed)
    differing = sum(_differing(found.get(name), expected.get(name)) for name in found.keys() | expected.keys())
    ids, wanted = _documents(output), _documents(undisturbed)
    return Outcome(
        differing_bytes=differing,
        lost=(wanted - ids).total(),
        duplicated=(ids - wanted).total(),
        left_in_staging=sum(path.is_file() for path in (output / "tmp").rglob("*")),
    )


def _files(output: Path) -> dict[str, Path]:
    """Every file, and every folder, by its relative path."""
    paths = {path.relative_to(output).as_posix(): path for path in output.rglob("*")}
    return {name: path for name, path in paths.items() if name.split("/")[0] != "logs"}


def _differing(one: Path | None, other: Path | None) -> int:
    """A folder that only one of them has counts as a byte, as does a file that is empty."""
    if one is None or other is None:
        present = one or other
        assert present is not None
        return max(1, present.stat().st_size) if present.is_file() else 1
    if not (one.is_file() and other.is_file()):
        return int(one.is_file() != other.is_file())
    left, right = (np.frombuffer(path.read_bytes(), np.uint8) for path in (one, other))
    shorter = min(len(left), len(right))
    return int(np.count_nonzero(left[:shorter] != right[:shorter])) + max(len(left), len(right)) - shorter


def _documents(output: Path) -> Counter[tuple[str, str, bytes]]:
    """How often each document stands in each artifact, as manifests name its files, by step and role."""
    ids: Counter[tuple[str, str, bytes]] = Counter()
    for path in sorted((output / "steps").glob("*/manifest.json")):
        manifest = load_manifest(path.parent)
        assert manifest is not None
        for role in _ROLES:
            ids.update((manifest.step, role, one) for one in _ids(manifest, role))
    return ids


def _ids(manifest: Manifest, role: str) -> list[bytes]:
    ids: list[bytes] = []
    paths = [manifest.path(shard.index, role) for shard in manifest.shards]
    for path in filter(None, paths):
        if path.endswith(".parquet") and DOC_ID in pq.read_schema(path).names:
            ids.extend(pq.read_table(path, columns=[DOC_ID])[DOC_ID].to_pylist())
    return ids
