"""What each operator of a chain costs: CPU time in one process over a corpus in memory, without reading and writing."""

import statistics
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from operators.catalogue import catalogue
from pipeline.execution.prepare import prepare
from pipeline.execution.row_pass import OpenOperator, RowPass, open_chain
from pipeline.ledger import LedgerBuilder
from pipeline.operator import Annotator, Filter, Transform
from pipeline.recipe import load_recipe

BATCH_ROWS: Final = 1024
ROUNDS: Final = 3

Json = dict[str, Any]  # Any: what json.dumps takes


def measure_parts(recipe: Path, documents: Path, overrides: Sequence[str] = ()) -> Json:
    """Seconds of CPU, and MB of the text that it was given in a second, of each operator of the recipe's first step."""
    sets = [f"sources.docs.paths=[{documents}/*.parquet]", *overrides]
    prepared = prepare(load_recipe(recipe, catalogue(), sets), recipe.parent)
    operators = [one for one in prepared.recipe.steps[0].operators if isinstance(one, Annotator | Filter | Transform)]
    chain = open_chain(operators)
    batches = list(_batches(documents))
    _pass(chain, batches[:1])  # compiles
    rounds = [_pass(chain, batches) for _ in range(ROUNDS)]
    parts = []
    for place, opened in enumerate(chain):
        seconds = statistics.median(found[place][0] for found in rounds)
        num_bytes = rounds[0][place][1]
        parts.append(
            {
                "operator": opened.operator.name,
                "is_derived": opened.is_derived,
                "cpu_seconds": round(seconds, 3),
                "mb_given": round(num_bytes / 1e6, 1),
                "mb_per_s": round(num_bytes / 1e6 / seconds, 1),
            }
        )
    return {"parts": parts, "cpu_seconds": round(sum(part["cpu_seconds"] for part in parts), 3)}


def _pass(chain: Sequence[OpenOperator], batches: Sequence[pa.RecordBatch]) -> list[tuple[float, int]]:
    """(CPU seconds, bytes of text given) of each operator."""
    passes = [RowPass((opened,), LedgerBuilder(), 0) for opened in chain]
    seconds = [0.0] * len(chain)
    given = [0] * len(chain)
    for batch in batches:
        pieces = [(batch, np.arange(batch.num_rows, dtype=np.uint32))]
        for place, row_pass in enumerate(passes):
            given[place] += sum(_text_bytes(piece) for piece, _ in pieces)
            start = time.process_time()
            pieces = list(row_pass.through(pieces))
            seconds[place] += time.process_time() - start
    return list(zip(seconds, given, strict=True))


def _text_bytes(batch: pa.RecordBatch) -> int:
    offsets = np.frombuffer(batch["text"].buffers()[1], np.int64)[batch["text"].offset :]
    return int(offsets[batch.num_rows] - offsets[0])


def _batches(documents: Path) -> Iterator[pa.RecordBatch]:
    for path in sorted(documents.glob("*.parquet")):
        for batch in pq.ParquetFile(path).iter_batches(BATCH_ROWS):
            ids = pa.array([name.encode()[-16:].rjust(16, b"\0") for name in batch["id"].to_pylist()], pa.binary(16))
            yield pa.record_batch({"doc_id": ids, "text": batch["text"].cast(pa.large_string())})
