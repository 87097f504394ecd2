"""Who gets a canary: the smallest hashes of those without company, however batches are cut."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa

from operators.dedup.canary_choice import CHOICE_FILE, CanaryChoice, canary_hashes
from pipeline.operator import TaskInputs
from tests.laws.examples import Rows

BATCH = pa.record_batch(
    {
        "doc_id": pa.array([bytes([number]) * 16 for number in range(100)], pa.binary(16)),
        "cluster_size": pa.array([2 if number % 4 == 0 else None for number in range(100)], pa.uint32()),
    }
)


def chosen(folder: Path, num_canaries: int, cuts: tuple[int, ...] = ()) -> dict[str, int]:
    task = CanaryChoice(num_canaries=num_canaries)
    assert list(task.open()(TaskInputs(Rows(BATCH, cuts), {}, (), folder))) == []
    found: dict[str, int] = json.loads((folder / CHOICE_FILE).read_text())
    return found


def test_the_smallest_hashes_of_documents_without_company_are_chosen(tmp_path: Path) -> None:
    alone = BATCH.filter(BATCH["cluster_size"].is_null())
    hashes = np.sort(canary_hashes(alone["doc_id"], 1))
    found = chosen(tmp_path, 10)
    assert found == {"largest_hash": int(hashes[9]), "num_documents": 10}
    assert chosen(tmp_path, 10, cuts=(3, 3, 50)) == found
    assert chosen(tmp_path, 1000) == {"largest_hash": int(hashes[-1]), "num_documents": 75}


def test_hashes_hang_on_the_seed_and_on_both_halves_of_an_id() -> None:
    ids = pa.array([b"a" * 16, b"a" * 8 + b"b" * 8, b"b" * 8 + b"a" * 8], pa.binary(16))
    drawn = [*canary_hashes(ids, 1).tolist(), *canary_hashes(ids, 2).tolist()]
    assert len(set(drawn)) == 6
