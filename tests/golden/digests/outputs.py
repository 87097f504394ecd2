"""What every operator of the catalogue makes of fixed rows, and the digest of it.

Digests are over values, not over bytes of memory: columns as JSON, bytes in hex. Floats that come out of a model
(float32) are rounded to two decimals, because their last digits may change with a processor's order of additions, and
all floats of operators that depend on the hardware to four digits; a filter's values and thresholds (float64) are exact
functions of counts and enter with all digits. A trained classifier counts by its vocabulary and by what it says of the
fixed rows, to one decimal; a trained tokenizer and an n-gram model by their files.
"""

import json
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import fasttext
import pyarrow as pa
import xxhash

from operators.fasttext.train_fasttext import MODEL_FILE
from operators.ngram.model_file import NGRAM_FILE
from pipeline.execution.row_pass import open_alone
from pipeline.format_writer import FormatWriter
from pipeline.operator import (
    Annotator,
    Determinism,
    Filter,
    Operator,
    PartitionOperator,
    ShardOperator,
    Task,
    Transform,
)
from tests.laws.examples import TEXTS, Example, exchanged, task_inputs, view

DIGESTS = Path(__file__).with_name("digests.json")
SCORE_DECIMALS = 2
TRAINED_DECIMALS = 1
HARDWARE_DIGITS = 4


def digest_of(example: Example, folder: Path) -> str:
    """The digest of an example's output on the fixed rows. A task leaves its files in `folder`."""
    return xxhash.xxh3_128_hexdigest(json.dumps(output_of(example, folder), sort_keys=True).encode())


def output_of(example: Example, folder: Path) -> list[Any]:  # Any: JSON
    """The output on the fixed rows as JSON."""
    operator = example.operator
    batch = view(TEXTS)
    if isinstance(operator, Task):
        return _task_output(operator, batch, folder)
    if isinstance(operator, Filter):
        return _verdicts(operator, batch)
    if isinstance(operator, Transform):
        edits = open_alone(operator)(batch)
        return [_columns([edits.columns]), edits.sizes.tolist()]
    if isinstance(operator, ShardOperator):
        return _columns(operator.open()(iter([batch])))
    if isinstance(operator, FormatWriter):
        return _written_files(operator, batch, folder)
    if isinstance(operator, PartitionOperator):
        assert example.key is not None
        rows = exchanged(batch, example.key)
        found = pa.Table.from_batches(operator.open()(iter([rows])), operator.output_schema(rows.schema))
        return _columns([found])  # in one piece: where an operator cuts its rows is not what it makes of them
    assert isinstance(operator, Annotator)
    found = open_alone(operator)(batch)
    return _columns([_coarse(found)] if operator.determinism is Determinism.HARDWARE else [found])


def entry_of(operator: Operator, digest: str) -> dict[str, int | str]:
    """What digests.json holds of an operator."""
    return {"version": operator.version, "digest": digest}


def load_digests() -> dict[str, dict[str, int | str]]:
    """The stored entries by operator."""
    stored: dict[str, dict[str, int | str]] = json.loads(DIGESTS.read_text()) if DIGESTS.exists() else {}
    return stored


def _verdicts(operator: Filter, batch: pa.RecordBatch) -> list[Any]:  # Any: JSON
    found = open_alone(operator)(batch)
    rules = operator.rules()
    rows: list[Any] = []
    for keep, rule, value, threshold in zip(found.keep, found.rule, found.value, found.threshold, strict=True):
        rows.append(True if keep else [rules[rule], *(None if math.isnan(x) else float(x) for x in (value, threshold))])
    return rows


def _task_output(operator: Task, batch: pa.RecordBatch, folder: Path) -> list[Any]:  # Any: JSON
    produced = [[shard, _columns([part])] for shard, part in operator.open()(task_inputs(batch, folder))]
    files = [[path.name, _file(path)] for path in sorted(folder.iterdir())]
    return [produced, files]


def _written_files(operator: FormatWriter, batch: pa.RecordBatch, folder: Path) -> list[Any]:  # Any: JSON
    given = batch.select(operator.output_schema(batch.schema).names)
    operator.open()(iter([given]), folder)
    return [[path.name, xxhash.xxh3_128_hexdigest(path.read_bytes())] for path in sorted(folder.iterdir())]


def _file(path: Path) -> Any:  # Any: JSON
    if path.name == NGRAM_FILE:
        return [path.stat().st_size, xxhash.xxh3_128_hexdigest(path.read_bytes())]
    if path.name != MODEL_FILE:
        return path.read_text(encoding="utf-8")
    model = fasttext.load_model(str(path))
    says = []
    for text in TEXTS:
        found = model.f.predict(text.replace("\n", " ") + "\n", -1, 0.0, "strict")
        says.append(sorted((label, round(score, TRAINED_DECIMALS)) for score, label in found))
    return [sorted(model.words), sorted(model.labels), model.get_dimension(), says]


def _columns(batches: Iterable[pa.RecordBatch | pa.Table]) -> list[Any]:  # Any: JSON
    return [
        [[field.name, str(field.type), [_plain(value, field.type) for value in column.to_pylist()]]
         for field, column in zip(batch.schema, batch.columns, strict=True)]
        for batch in batches
    ]  # fmt: skip


def _coarse(batch: pa.RecordBatch) -> pa.RecordBatch:
    """The batch with its floats to four digits."""
    columns = []
    for column in batch.columns:
        if pa.types.is_floating(column.type):
            values = [None if value is None else float(f"{value:.{HARDWARE_DIGITS}g}") for value in column.to_pylist()]
            columns.append(pa.array(values, column.type))
        else:
            columns.append(column)
    return pa.RecordBatch.from_arrays(columns, schema=batch.schema)


def _plain(value: Any, kind: pa.DataType) -> Any:  # Any: a value of a column
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, list):
        return [_plain(item, kind.value_type) for item in value]
    if isinstance(value, float) and pa.types.is_float32(kind):
        return round(value, SCORE_DECIMALS)
    return value
