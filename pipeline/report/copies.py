"""Copies of documents, where rows were repeated: how many there are, and of which document one is a copy."""

from collections.abc import Mapping

from pipeline.artifact import DATA, Manifest
from pipeline.document import DOC_ID, PARENT_DOC_ID
from pipeline.report.file_query import query_files


def num_copies(manifest: Manifest, doc_id: bytes) -> int | None:
    """Copies of a document in an artifact; None where its rows do not say of what they are copies."""
    files = _files(manifest)
    if not files:
        return None
    query = "select count(*) from read_parquet($1) where parent_doc_id = $2 and doc_id <> $2"
    return int(query_files(query, files, doc_id)[0][0])


def original_of(manifests: Mapping[str, Manifest], doc_id: bytes) -> tuple[str, bytes] | None:
    """If that is the id of a copy: the step that has it, and the doc_id of its original."""
    query = "select parent_doc_id from read_parquet($1) where doc_id = $2 and parent_doc_id <> $2 limit 1"
    for name, manifest in manifests.items():
        files = _files(manifest)
        rows = query_files(query, files, doc_id) if files else []
        if rows:
            return name, bytes(rows[0][0])
    return None


def _files(manifest: Manifest) -> list[str]:
    """Files whose rows say of what they are copies."""
    if not {DOC_ID, PARENT_DOC_ID} <= set(manifest.columns):
        return []
    paths = (manifest.path(shard.index, DATA) for shard in manifest.shards)
    return [path for path in paths if path is not None]
