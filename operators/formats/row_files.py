"""What formats share that hold rows with all their columns: what they read, and their dataset.json."""

import json
from collections.abc import Mapping, Sequence

import pyarrow as pa

from operators.formats.token_stream import DATASET_FILE
from operators.tokenize.tokenizer import NUM_TOKENS
from pipeline.errors import SchemaError
from pipeline.format_writer import FormatWriter, Part


class RowFiles(FormatWriter):
    """What formats share that hold rows: of a packed table, or the documents of a token store.

    A shard without rows has no files.
    """

    columns: tuple[str, ...] | None = None
    """What the files hold beside num_tokens; None: all columns."""

    def requires(self) -> pa.Schema:
        """By its sum the files are checked."""
        return pa.schema([pa.field(NUM_TOKENS, pa.int64(), nullable=False)])

    def output_schema(self, given: pa.Schema) -> pa.Schema:
        """The columns that are asked for, and num_tokens.

        Raises:
            SchemaError: one of them is missing.
        """
        missing = sorted(set(self.columns or ()) - set(given.names))
        if missing:
            raise SchemaError(f"{self.name}: requires columns {missing}; available: {given.names}")
        wanted = given.names if self.columns is None else {*self.columns, NUM_TOKENS}
        return pa.schema([field for field in given if field.name in wanted])

    def conserves(self) -> str:
        """Tokens."""
        return NUM_TOKENS

    def index(self, parts: Sequence[Part]) -> Mapping[str, bytes]:
        """dataset.json."""
        listing = {
            "format": self.name,
            "tokens": sum(part.amount for part in parts),
            "rows": sum(part.num_rows for part in parts),
            "shards": [
                {
                    "files": [file.dataset_name for file in part.files],
                    "tokens": part.amount,
                    "rows": part.num_rows,
                }
                for part in parts
                if part.files
            ],
        }
        return {DATASET_FILE: json.dumps(listing, indent=1).encode() + b"\n"}
