"""Copies of documents, where rows were repeated: how many there are, and of which document one is a copy."""

from collections.abc import Mapping
from typing import Any

from pipeline.artifact import DATA, Manifest
from pipeline.document import DOC_ID, PARENT_DOC_ID


def num_copies(manifest: Manifest, doc_id: bytes) -> int | None:
    """Copies of a document in an artifact; None where its rows do not say of what they are copies."""
    files = _files(manifest)
    if not files:
        return None
    query = "select count(*) from read_parquet($1) where parent_doc_id = $2 and doc_id <> $2"
    return int(_query(query, [files, doc_id])[0][0])


def original_of(manifests: Mapping[str, Manifest], doc_id: bytes) -> tuple[str, bytes] | None:
    """If that is the id of a copy: the step that has it, and the doc_id of its original."""
    query = "select parent_doc_id from read_parquet($1) where doc_id = $2 and parent_doc_id <> $2 limit 1"
    for name, manifest in manifests.items():
        files = _files(manifest)
        rows = _query(query, [files, doc_id]) if files else []
        if rows:
            return name, bytes(rows[0][0])
    return None


def _files(manifest: Manifest) -> list[str]:
    """Files whose rows say of what they are copies."""
    if not {DOC_ID, PARENT_DOC_ID} <= set(manifest.columns):
        return []
    paths = (manifest.path(shard.index, DATA) for shard in manifest.shards)
    return [path for path in paths if path is not None]


def _query(sql: str, parameters: list[Any]) -> list[tuple[Any, ...]]:  # Any: DuckDB values
    import duckdb  # noqa: PLC0415 - slow to import, and only questions to files need it

    with duckdb.connect() as connection:
        rows: list[tuple[Any, ...]] = connection.execute(sql, parameters).fetchall()
        return rows
