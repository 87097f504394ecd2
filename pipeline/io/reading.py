"""Reading of sources: the schema that a source gives, and the documents of one split, whatever the format."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

import pyarrow as pa

from pipeline.document import COLUMN_TYPES, CORE_FIELDS, METADATA_FIELD
from pipeline.errors import PlanError, SchemaError, StorageError
from pipeline.io import jsonl, parquet
from pipeline.io.damage import Damage, DamageReason
from pipeline.io.parquet_footer import document_schema, document_type, read_footer, schema_difference
from pipeline.io.read_batch import ReadBatch, Rejected, RejectReason, SplitSummary
from pipeline.io.splits import Split, format_of
from pipeline.io.storage import InputFile, check_unchanged, input_size, map_files
from pipeline.plan.logical import Source

BATCH_BYTES: Final = 8 << 20


def source_schema(source: Source, files: Sequence[InputFile]) -> pa.Schema:
    """The schema of the documents of a source: what every document has, declared columns, then the rest.

    The rest is one `metadata` column for JSONL; for Parquet every other column of the footers, which must agree.

    Raises:
        PlanError: the files are of different formats, or there are none.
        SchemaError: a column is missing, has a type that cannot be read, or footers disagree.
        StorageError: no file's footer can be read.
    """
    formats = {format_of(file, source): file for file in files}
    if len(formats) != 1:
        examples = {kind: file.relative_path for kind, file in sorted(formats.items())}
        raise PlanError(f"source: expected files of one format; found {examples}; make one source for each format")
    if "parquet" in formats:
        return _parquet_schema(source, files)
    declared = [pa.field(name, COLUMN_TYPES[kind]) for name, kind in source.columns.items()]
    return pa.schema([*CORE_FIELDS, *declared, METADATA_FIELD])


class SplitReader:
    """Reads the documents of one split, in order.

    Args:
        split: the part of a file to read.
        source: how to read it.
        schema: of the documents; columns that the source does not give are null.
        batch_bytes: how many decompressed bytes a batch holds, but for one longer record. Changes no document.
    """

    def __init__(self, split: Split, source: Source, schema: pa.Schema, batch_bytes: int = BATCH_BYTES) -> None:
        reader = parquet.ParquetReader if split.format == "parquet" else jsonl.JsonlReader
        self._file = split.file
        self._reader = reader(split, source, schema, batch_bytes)

    def batches(self) -> Iterator[ReadBatch]:
        """The split's records, once.

        Raises:
            StorageError: the file cannot be read, or changed after the run was planned.
        """
        yield from self._reader.batches()
        check_unchanged(self._file)

    @property
    def summary(self) -> SplitSummary:
        """What was found, once `batches` is exhausted."""
        assert self._reader.summary is not None, "batches() must be exhausted first"
        return self._reader.summary


def read_record(
    path: str, file_format: str, position: int, max_bytes: int, max_expansion: float
) -> dict[str, Any]:  # Any: a JSON or Arrow value
    """The record at `position` of an input file, under the names that it has there.

    Args:
        path: of the input file, as in `InputFile.path`.
        file_format: `jsonl` or `parquet`.
        position: as in doc_ids: the record's first byte in the decompressed stream, or its row ordinal.
        max_bytes: the source's `max_document_bytes`; a longer line is not read.
        max_expansion: the source's; a row group that expands further is not read.

    Raises:
        StorageError: no readable record begins there.
    """
    file = InputFile(source="", path=path, relative_path=path, size_bytes=input_size(path), digest="")
    if file_format == "parquet":
        return parquet.read_record(file, position, max_expansion)
    return jsonl.read_record(file, position, max_bytes)


def _parquet_schema(source: Source, files: Sequence[InputFile]) -> pa.Schema:
    """What all footers agree on; files without a readable footer are left to the reader, which reports them damaged."""
    footers = map_files(read_footer, files)
    readable = [(file, footer.schema) for file, footer in zip(files, footers, strict=True) if footer is not None]
    if not readable:
        raise StorageError(
            f"input {files[0].path!r}: expected a Parquet footer; found none, nor in the other {len(files) - 1} files; "
            "get the files again from their origin or correct `format`"
        )
    first_file, first = readable[0]
    schema = document_schema(first, source, f"input {first_file.path!r}")
    for file, other in readable[1:]:
        document_schema(other, source, f"input {file.path!r}")
        difference = schema_difference(_compared(first, source), _compared(other, source))
        if difference is not None:
            raise SchemaError(
                f"input {file.path!r}: {difference}; the first file is {first_file.path!r}; "
                "declare the column in `columns` to cast it, or make another source"
            )
    return schema


def _compared(schema: pa.Schema, source: Source) -> dict[str, pa.DataType]:
    """The columns in which footers must agree; the recipe casts declared ones, and text and id have one type anyway."""
    cast = {source.text_column, *source.columns, *([source.id_column] if source.id_column in schema.names else [])}
    return {field.name: document_type(field.type) for field in schema if field.name not in cast}


__all__ = [
    "BATCH_BYTES", "Damage", "DamageReason", "ReadBatch", "RejectReason", "Rejected", "SplitReader", "SplitSummary",
    "read_record", "source_schema",
]  # fmt: skip
