"""datatrove's tokenized files, which nanotron reads: `.ds`, the documents' ends beside it, and a note on both."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import ClassVar, Final

import numpy as np

from operators.formats.token_stream import TokenStream
from operators.formats.tokens import Chunk, TokenType, dtype_of, write_tokens

TOKENS_FILE: Final = "tokens.ds"
INDEX_FILE: Final = "tokens.ds.index"
LOSS_FILE: Final = "tokens.ds.loss"
NOTE_FILE: Final = "tokens.ds.metadata"
_UNITS: Final = ("", "K", "M", "G", "T", "P")


class DatatroveDs(TokenStream):
    """`tokens_00000.ds` for each shard, with `.ds.index`, `.ds.metadata` and, of packed rows, `.ds.loss`.

    Columns:
        reads tokens and num_tokens; over packed rows with `flatten`, input_ids, num_tokens and, where there is one,
        loss_mask, and each row is a document.

    Determinism:
        EXACT.

    Raises:
        PlanError: packed rows without `flatten`.
        SchemaError: an id does not fit `token_type`, or a row has no tokens.

    Source:
        `datatrove/pipeline/tokens/tokenizer.py` (TokenizedFile) of datatrove 0.10.1, whose `DatatroveFolderDataset`
        reads these files back in our tests: ids little-endian without header; ends of documents in tokens as uint64;
        loss as one byte a token, 1 where it counts. Its folder dataset reads windows of seq_len + 1 tokens of one file,
        and leaves out what is left at the file's end.

    Cost:
        A copy of the tokens; memory holds a batch.
    """

    name: ClassVar[str] = "datatrove_ds"

    token_type: TokenType = "uint16"  # noqa: S105 -- a type of numbers
    """How ids are stored: the reader's token_size, in bytes, must be that of the type."""
    tokenizer_name: str = "unknown"
    """What `.ds.metadata` calls the tokenizer."""

    @property
    def dtype(self) -> "np.dtype[np.integer]":
        """As asked for."""
        return dtype_of(self.token_type)

    def write_stream(self, chunks: Iterator[Chunk], folder: Path) -> None:
        """Tokens, ends and loss side by side; the note at the end."""
        bound = 1 << 8 * self.dtype.itemsize
        num_tokens = 0
        with ExitStack() as stack:
            tokens, index = (stack.enter_context((folder / name).open("wb")) for name in (TOKENS_FILE, INDEX_FILE))
            loss = None
            for chunk in chunks:
                write_tokens(tokens, chunk.tokens, self.dtype, bound, "set token_type: uint32")
                index.write((num_tokens + np.cumsum(chunk.lengths)).astype("<u8").tobytes())
                num_tokens += len(chunk.tokens)
                if chunk.loss is not None:
                    loss = loss or stack.enter_context((folder / LOSS_FILE).open("wb"))
                    loss.write(chunk.loss.tobytes())
        note = (f"{self.tokenizer_name}|{self.dtype.itemsize}", str(num_tokens), f"{_rounded(num_tokens)}T")
        (folder / NOTE_FILE).write_text("\n".join(note), encoding="utf-8")

    def tokens_in(self, folder: Path) -> int:
        """As the sizes of the tokens and of the loss, the last end, and the note say."""
        counts = {"tokens": self.tokens_of(folder / TOKENS_FILE)}
        ends = np.fromfile(folder / INDEX_FILE, "<u8")
        counts["index"] = int(ends[-1])
        counts["note"] = int((folder / NOTE_FILE).read_text(encoding="utf-8").split("\n")[1])
        if (folder / LOSS_FILE).exists():
            counts["loss"] = (folder / LOSS_FILE).stat().st_size
        return self.same(**counts)

    def dataset_name(self, shard: int, num_shards: int, file: str) -> str:  # noqa: ARG002
        """The shard stands before the suffixes."""
        return file.replace("tokens", f"tokens_{shard:05d}", 1)


def _rounded(count: int) -> str:
    """A count for people: three digits and a unit, as in `1.2 M`."""
    value, unit = float(count), 0
    while value >= 1000 and unit < len(_UNITS) - 1:
        value /= 1000
        unit += 1
    return f"{value:.3g} {_UNITS[unit]}"
