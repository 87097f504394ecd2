"""Runs a format writer over one shard: its files become files of the step, and what they hold is counted in them."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.artifact import FILES, FileRecord
from pipeline.errors import OperatorError
from pipeline.execution.faults import reach
from pipeline.execution.operator_failure import blaming
from pipeline.execution.work import StageSpec
from pipeline.format_writer import FormatWriter, WriteFunction


def write_files(
    spec: StageSpec, shard: int, writer: FormatWriter, call: WriteFunction, flow: Iterator[pa.RecordBatch]
) -> tuple[dict[str, FileRecord], dict[str, int]]:
    """The shard's files by role, and counts: rows and the conserved amount that came, and the amount in the files."""
    reach("write.begin")
    folder = spec.folder.stage_file()
    folder.mkdir()
    given = _Given(flow, spec.output_schema, writer.conserves())
    with blaming(writer, lambda error: f"failed on a shard: {type(error).__name__}"):
        call(iter(given), folder)
        reach("write.unfinished")
        given.check_ended(spec.label)
        left = _files_in(folder, spec.label)
        amount_out = writer.amount_in(folder)
        files = {
            FILES + path.name: spec.folder.publish(path, FILES.rstrip("/"), shard, f"-{path.name}", num_rows=0)
            for path in left
        }
    conserved = {"conserved_in": given.amount, "conserved_out": amount_out, "conserved_cut": 0}
    return files, {"rows_written": given.num_rows} | conserved


class _Given:
    """The batches that a writer is given, in the columns that it holds, counted on their way."""

    def __init__(self, flow: Iterator[pa.RecordBatch], schema: pa.Schema, counted: str) -> None:
        self._flow = flow
        self._schema = schema
        self._counted = counted
        self.num_rows = 0
        self.amount = 0

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        for batch in self._flow:
            self.num_rows += batch.num_rows
            self.amount += amount(batch[self._counted])
            yield pa.RecordBatch.from_arrays([batch[name] for name in self._schema.names], schema=self._schema)

    def check_ended(self, label: str) -> None:
        """Refuses a writer that did not take all rows."""
        if next(self._flow, None) is not None:
            raise OperatorError(f"{label}: expected it to write all rows of its shard; found more after its end")


def _files_in(folder: Path, label: str) -> list[Path]:
    """What the writer left, by name."""
    left = sorted(folder.iterdir())
    odd = [path.name for path in left if not path.is_file()]
    if odd:
        raise OperatorError(f"{label}: expected files and no folders; found {odd}")
    return left


def amount(column: pa.Array) -> int:
    """A column's sum, or the summed lengths of a column of lists."""
    kind = column.type
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        column = pc.list_value_length(column)
    return int(pc.sum(column).as_py() or 0)
