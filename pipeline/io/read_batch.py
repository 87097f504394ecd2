"""What a reader gives: batches of documents, the rows that it rejected and why, and a summary of the split."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline.io.damage import Damage


class RejectReason(StrEnum):
    """Why a record is no document. A closed list: reports and tests know every code."""

    INVALID_UTF8 = "invalid_utf8"
    """Bytes that are not UTF-8."""
    INVALID_JSON = "invalid_json"
    """A line that is not one JSON value, or holds half of a surrogate pair, or nests too deeply."""
    NOT_AN_OBJECT = "not_an_object"
    """A JSON value other than an object."""
    NO_TEXT = "no_text"
    """The text field is not there."""
    NULL_TEXT = "null_text"
    """The text is null."""
    WRONG_TYPE = "wrong_type"
    """A field that is read has another type than declared."""
    NO_ID = "no_id"
    """The source says `id_from: column`, and the record has no id."""
    TOO_LARGE = "too_large"
    """A line, or a text, of more bytes than the source's `max_document_bytes`."""
    DAMAGED = "damaged"
    """A row that the metadata of a Parquet file names, and that its row group does not give."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """A record that goes to quarantine. `detail` names columns and types, never what they hold."""

    ordinal: int
    """Place among all records of the split."""
    position: int
    reason: RejectReason
    detail: str


@dataclass(frozen=True, slots=True)
class ReadBatch:
    """R neighbouring records of a split, of which D are documents."""

    documents: pa.RecordBatch  # D rows
    ordinals: npt.NDArray[np.int64]  # (D,) each document's place among all records of the split
    num_records: int
    positions: npt.NDArray[np.uint64]  # (R,) of every record, rejected ones too
    input_ids: pa.Array  # (R,) large_string; null where a record has no id or it cannot be read
    rejected: tuple[Rejected, ...]


@dataclass(frozen=True, slots=True)
class SplitSummary:
    """What reading a whole split found.

    The bytes of a JSONL split are those of its records, decompressed; of a Parquet split the stored bytes of its row
    groups, in file order. `num_bytes` counts decompressed bytes in both.
    """

    num_records: int
    num_bytes: int
    content_digest: str
    """xxh3-128, in hex, of the split's bytes."""
    num_duplicate_keys: int
    """JSON members that a later member of the same name replaced."""
    damaged: Damage | None
