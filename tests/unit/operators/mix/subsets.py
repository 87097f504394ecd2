"""Random subsets of pools, as they are found and listed."""

import json

import pyarrow as pa

from operators.mix.subset_cuts import SubsetCuts
from operators.mix.subset_pool import SUBSETS_FILE
from operators.mix.subset_rows import SubsetRows
from pipeline.document import IdHasher, position
from tests.unit.operators.select.pools import cut_at, leave_file


def pool(sizes):
    return pa.record_batch(
        {
            "doc_id": IdHasher("web", "part.jsonl").many(range(len(sizes))),
            "num_tokens": pa.array(sizes, pa.int64()),
            "position": pa.array([position(row // 10, row % 10) for row in range(len(sizes))], pa.uint64()),
        }
    )


def subsets(folder, batch, *, places=(), **fields):
    """What the file says of each epoch, and the lines of the list in its order."""
    task = SubsetCuts(**fields)
    file = leave_file(task, folder, SUBSETS_FILE, *cut_at(batch.drop_columns(["position"]), *places))
    lister = SubsetRows(**task.settings(), subsets=file)
    lines = [line for part in lister.open()(iter(cut_at(batch, *places))) for line in part.to_pylist()]
    found = json.loads((folder / SUBSETS_FILE).read_text())
    return found, sorted(lines, key=lambda line: (line["shuffle_key"], line["epoch"], line["doc_id"]))
