"""Row groups of a Parquet file, decoded piece by piece."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

import pyarrow as pa

from pipeline.io.parquet_footer import Footer, is_broken_content
from pipeline.io.storage import InputFile, read_error

_DECODE_BYTES: Final = 8 << 20
"""Decompressed bytes decoded at once. A constant: it decides how many rows a broken row group still gives."""


class RowGroup:
    """One row group; `is_broken` says, once `rows` is exhausted, whether it broke off.

    Args:
        opened: the file, as `open_parquet` gives it.
        file: names it in errors.
        footer: of the file.
        index: of the group.
    """

    def __init__(self, opened: Any, file: InputFile, footer: Footer, index: int) -> None:  # Any: pyarrow is untyped
        self.is_broken = False
        self._opened = opened
        self._file = file
        self._footer = footer
        self._index = index

    def rows(self, columns: Sequence[str] | None) -> Iterator[pa.RecordBatch]:
        """The group's rows until one cannot be decoded; all columns if None are named.

        Raises:
            StorageError: the file cannot be read any more.
        """
        pieces = self._opened.iter_batches(self._rows_at_once(), [self._index], columns=columns, use_threads=False)
        while True:
            try:
                rows = next(pieces, None)
            except MemoryError:
                raise
            except (OSError, pa.ArrowException) as error:
                if not is_broken_content(error):
                    raise read_error(self._file.path, error) from error
                self.is_broken = True
                return
            if rows is None:
                return
            yield rows

    def _rows_at_once(self) -> int:
        num_rows, num_bytes = self._footer.group_rows[self._index], self._footer.group_bytes[self._index]
        return max(1, _DECODE_BYTES * num_rows // max(1, num_bytes))
