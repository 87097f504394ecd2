"""Documents whose tokens say where they come from, and what packed rows of them must say."""

import itertools

import pyarrow as pa

from operators.pack.packing import Packing
from operators.pack.token_buffer import REQUIRED

PAD = 999_999


def documents(lengths: list[int]) -> pa.RecordBatch:
    """Documents whose tokens count up from 0 over the whole batch."""
    counter = iter(range(sum(lengths)))
    tokens = [[next(counter) for _ in range(length)] for length in lengths]
    ids = [number.to_bytes(16, "big") for number in range(len(lengths))]
    return pa.RecordBatch.from_arrays(
        [pa.array(ids, REQUIRED[0].type), pa.array(tokens, REQUIRED[1].type), pa.array(lengths, pa.int64())],
        schema=pa.schema(list(REQUIRED)),
    )


def packed(operator: Packing, *batches: pa.RecordBatch) -> pa.Table:
    """All rows."""
    rows = list(operator.open()(iter(batches)))
    return pa.Table.from_batches(rows, schema=operator.output_schema(pa.schema(list(REQUIRED))))


def described(ids: list[int], lengths: list[int], *, positions_continue: bool = False) -> dict[str, list[int]]:
    """What the columns of a row with these ids must be, from the place of each token in its document."""
    owners = [(document, at) for document, length in enumerate(lengths) for at in range(length)]
    columns: dict[str, list[int]] = {"position_ids": [], "segment_ids": [], "loss_mask": []}
    segment, before, first = 0, None, 0
    for token in ids:
        if token == PAD:
            values = (0, 0, 0)
        else:
            document, at = owners[token]
            goes_on = before == (document, at - 1)
            if not goes_on:
                segment, first = segment + 1, at
            values = (at if positions_continue else at - first, segment, int(goes_on))
            before = (document, at)
        for column, value in zip(columns.values(), values, strict=True):
            column.append(value)
    return columns


def pieces_of(row: dict[str, list[int]]) -> list[list[int]]:
    """The ids of each segment of a row."""
    marked = zip(row["segment_ids"], row["input_ids"], strict=True)
    return [[token for _, token in run] for segment, run in itertools.groupby(marked, lambda pair: pair[0]) if segment]
