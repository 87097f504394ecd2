"""Pools to mix, and what a mix makes of them."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import xxhash

from operators.mix.mix_budgets import REPORT_TEXT_FILE, MixBudgets
from operators.mix.mix_pool import MIX_FILE
from operators.mix.mix_repetitions import MixRepetitions
from pipeline.operator import FileRef, TaskInputs
from tests.unit.operators.select.pools import Pool, cut_at


def pool(rows):
    """(source, tokens, copies) each."""
    sources, tokens, copies = zip(*rows, strict=True) if rows else ((), (), ())
    ids = [xxhash.xxh3_128_digest(str(index).encode()) for index in range(len(rows))]
    return pa.record_batch(
        {
            "doc_id": pa.array(ids, pa.binary(16)),
            "source": pa.array(sources, pa.string()),
            "num_tokens": pa.array(tokens, pa.int64()),
            "copies": pa.array(copies, pa.int32()),
        }
    )


def mixed(folder: Path, batch: pa.RecordBatch, *, places: tuple[int, ...] = (), **fields: Any):
    """What the file says by part, and how often each row is to be there."""
    task = MixBudgets(**fields)
    inputs = TaskInputs(rows=Pool(*cut_at(batch, *places)), tables={}, base_rows=(), directory=folder)
    assert list(task.open()(inputs)) == []
    assert sorted(path.name for path in folder.iterdir()) == [MIX_FILE, REPORT_TEXT_FILE]
    mix = FileRef(uri=MIX_FILE).pin(folder / MIX_FILE)
    times = MixRepetitions(**task.settings(), mix=mix).open()(batch).column("repetitions").to_pylist()
    parts = {part["name"]: part for part in json.loads((folder / MIX_FILE).read_text())["parts"]}
    return parts, times
