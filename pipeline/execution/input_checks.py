"""Checks of what was read that need more than one unit: contents that changed in place, and ids that repeat."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pipeline.artifact import IDENTITY, MANIFEST_NAME, ShardRecord, load_manifest
from pipeline.errors import CommitError, StorageError

SplitKey = tuple[str, str, str, int, int | None]
"""(source, relative path, digest before reading, start, end)."""

_MEMORY_LIMIT = "1GB"


def known_contents(output: Path) -> dict[SplitKey, str]:
    """Content digests that finished steps of this output folder recorded while they read their inputs."""
    known = {}
    for path in sorted((output / "steps").glob(f"*/{MANIFEST_NAME}")):
        manifest = load_manifest(path.parent)
        for shard in () if manifest is None else manifest.shards:
            known.update({_key(entry): str(entry["content_digest"]) for entry in shard.inputs})
    return known


def check_contents(record: ShardRecord, known: Mapping[SplitKey, str]) -> None:
    """Compares what a unit read with what an earlier step read from the same files.

    Raises:
        StorageError: a file has the size and the sampled digest that it had, and yet another content.
    """
    for entry in record.inputs:
        before = known.get(_key(entry))
        if before is not None and before != entry["content_digest"]:
            raise StorageError(
                f"input {entry['path']!r} of source {entry['source']!r}: expected content {before} as an earlier step "
                f"read it; found {entry['content_digest']}; the file changed in place: "
                "restore it, or build into a new folder"
            )


def check_unique_ids(step: str, folder: Path, records: Sequence[ShardRecord], spill: Path) -> None:
    """Refuses input ids that repeat, for a source whose doc_ids are made of them.

    Args:
        step: its name.
        folder: the step's.
        records: of its shards.
        spill: where to put what does not fit into memory.

    Raises:
        CommitError: some do; the message names three.
    """
    files = [str(folder / record.files[IDENTITY].name) for record in records if IDENTITY in record.files]
    if not files:
        return
    import duckdb  # noqa: PLC0415 - slow to import, and few sources need it

    config = {"memory_limit": _MEMORY_LIMIT, "threads": 1, "temp_directory": str(spill)}
    with duckdb.connect(config=config) as connection:
        repeated = connection.execute(
            "select any_value(input_id), count(*) from read_parquet($1) group by doc_id having count(*) > 1 "
            "order by 1 limit 3",
            [files],
        ).fetchall()
    if repeated:
        names = ", ".join(f"{input_id!r} ({count} times)" for input_id, count in repeated)
        raise CommitError(
            f"step {step}: expected each id to appear once, as id_from: column demands; found {names}; "
            "make the ids unique, or use id_from: position"
        )


def _key(entry: Mapping[str, Any]) -> SplitKey:  # Any: JSON
    return (entry["source"], entry["path"], entry["digest"], entry["start"], entry["end"])
