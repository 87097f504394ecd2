"""What all formats share that hold a stream of tokens: what they read, what they refuse, and their dataset.json."""

import json
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import ClassVar, Final

import numpy as np
import pyarrow as pa

from operators.formats.tokens import Chunk, chunk_of
from operators.pack.packed_table import INPUT_IDS, LOSS_MASK
from operators.tokenize.tokenizer import NUM_TOKENS, TOKENS, TOKENS_TYPE
from pipeline.errors import OperatorError, PlanError, SchemaError
from pipeline.format_writer import PART_NAME, FormatWriter, Part, WriteFunction

DATASET_FILE: Final = "dataset.json"
"""Over all shards: format, stored type, tokens, documents, and each shard's files."""
DOCUMENTS: Final = "documents"

_NUM_TOKENS_FIELD: Final = pa.field(NUM_TOKENS, pa.int64(), nullable=False)


class TokenStream(FormatWriter):
    """What formats share that hold tokens one after another, with or without the ends of documents.

    All of them hold the same tokens in the same order: those of the store's documents, shard by shard. A shard without
    tokens has no files, and a document without tokens has no place in them.
    """

    with_columns: ClassVar[tuple[str, ...]] = ()
    """What the format holds of a document beside its tokens, where the rows have it."""

    flatten: bool = False
    """Over packed rows, which a stream cannot hold: write their tokens without padding, row after row, and lose which
    row, position and segment they had."""

    @property
    @abstractmethod
    def dtype(self) -> "np.dtype[np.integer]":
        """How an id is stored."""

    @abstractmethod
    def write_stream(self, chunks: Iterator[Chunk], folder: Path) -> None:
        """Writes the files of a shard that has tokens; every chunk has some."""

    @abstractmethod
    def tokens_in(self, folder: Path) -> int:
        """Tokens in a shard's files, as their sizes and headers say.

        Raises:
            OperatorError: the files contradict one another.
        """

    def requires(self) -> pa.Schema:
        """How many tokens a row has; the tokens themselves are of the store or of packed rows."""
        return pa.schema([_NUM_TOKENS_FIELD])

    def conserves(self) -> str:
        """Tokens."""
        return NUM_TOKENS

    def output_schema(self, given: pa.Schema) -> pa.Schema:
        """The tokens, and what the format holds beside them.

        Raises:
            SchemaError: the rows are neither documents with tokens nor packed.
            PlanError: the rows are packed and `flatten` does not say so, or the other way round.
        """
        if TOKENS in given.names and given.field(TOKENS).type == TOKENS_TYPE:
            if self.flatten:
                raise PlanError(f"{self.name}: flatten is for packed rows; found documents; leave it out")
            names = (*self.with_columns, TOKENS, NUM_TOKENS)
        elif INPUT_IDS in given.names and pa.types.is_fixed_size_list(given.field(INPUT_IDS).type):
            if not self.flatten:
                raise PlanError(
                    f"{self.name}: expected documents, since a stream holds no rows, positions, segments or masks; "
                    "found packed rows; choose a format of rows, read the token store instead, or set flatten: true"
                )
            names = (INPUT_IDS, LOSS_MASK, NUM_TOKENS)
        else:
            raise SchemaError(
                f"{self.name}: requires column {TOKENS!r} ({TOKENS_TYPE}) of documents or {INPUT_IDS!r} of packed "
                f"rows; available: {given.names}"
            )
        return pa.schema([given.field(name) for name in names if name in given.names])

    def open(self) -> WriteFunction:
        """Returns the writing of one shard."""

        def write(batches: Iterator[pa.RecordBatch], folder: Path) -> None:
            num_documents = num_rows = 0

            def counted() -> Iterator[Chunk]:
                nonlocal num_documents, num_rows
                for batch in batches:
                    chunk = chunk_of(batch, num_rows)
                    num_rows += batch.num_rows
                    num_documents += len(chunk.lengths)
                    if len(chunk.tokens):
                        yield chunk

            chunks = counted()
            first = next(chunks, None)
            if first is not None:
                self.write_stream(chain([first], chunks), folder)
            (folder / PART_NAME).write_text(json.dumps({DOCUMENTS: num_documents}) + "\n")

        return write

    def amount_in(self, folder: Path) -> int:
        """Tokens in the files; 0 where there are none."""
        return self.tokens_in(folder) if any(path.name != PART_NAME for path in folder.iterdir()) else 0

    def index(self, parts: Sequence[Part]) -> Mapping[str, bytes]:
        """dataset.json."""
        listing = {
            "format": self.name,
            "token_type": self.dtype.name,
            "tokens": sum(part.amount for part in parts),
            DOCUMENTS: sum(part.facts[DOCUMENTS] for part in parts),
            "shards": [
                {
                    "files": [file.dataset_name for file in part.files],
                    "tokens": part.amount,
                    DOCUMENTS: part.facts[DOCUMENTS],
                }
                for part in parts
                if part.files
            ],
        }
        return {DATASET_FILE: json.dumps(listing, indent=1).encode() + b"\n"}

    def tokens_of(self, file: Path, header_bytes: int = 0) -> int:
        """Tokens in a file of ids, by its size."""
        return self.whole(file, file.stat().st_size - header_bytes, self.dtype.itemsize)

    def whole(self, file: Path, num_bytes: int, item_bytes: int) -> int:
        """How many items so many bytes of a file are."""
        if num_bytes < 0 or num_bytes % item_bytes:
            raise OperatorError(
                f"{self.name}: expected whole items of {item_bytes} bytes in {file.name}; found {num_bytes} bytes"
            )
        return num_bytes // item_bytes

    def same(self, **counts: int) -> int:
        """One count that several files give."""
        if len(set(counts.values())) != 1:
            raise OperatorError(f"{self.name}: expected the shard's files to agree on its tokens; found {counts}")
        return next(iter(counts.values()))
