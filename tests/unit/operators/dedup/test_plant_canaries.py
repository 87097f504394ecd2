"""Canaries: near copies of known similarity, and strangers."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from operators.dedup.minhash import MinHashSignature
from operators.dedup.plant_canaries import TARGETS, PlantCanaries
from operators.dedup.signature import SIGNATURE_VALUE
from pipeline.document import TEXT_TYPE
from pipeline.operator import FileRef
from tests.near_copies import near_copies

NUM_LONG = 60
TEXTS = [*(" ".join(near_copies(3, seed=seed)) for seed in range(NUM_LONG)), "too short", "文字" * 40]


@pytest.fixture
def choice(tmp_path: Path) -> FileRef:
    path = tmp_path / "canaries.json"
    path.write_text(json.dumps({"largest_hash": (1 << 64) - 1}))
    return FileRef(uri="canaries.json").pin(path)


def planted(operator: PlantCanaries, company: int | None = None, cut: int = 0) -> list[dict[str, Any]]:  # Any: a row
    batch = pa.record_batch(
        {
            "doc_id": pa.array([bytes([number]) * 16 for number in range(len(TEXTS))], pa.binary(16)),
            "cluster_size": pa.array([company] * len(TEXTS), pa.uint32()),
            "text": pa.array(TEXTS, TEXT_TYPE),
        }
    )
    return [row for part in operator.open()(iter([batch[:cut], batch[cut:]])) for row in part.to_pylist()]


def test_every_long_document_without_company_has_one_canary(choice: FileRef) -> None:
    rows = planted(PlantCanaries(choice=choice))
    originals = [row["original"] for row in rows if row["original"] is not None]
    assert len(rows) == len(TEXTS) - 1 == len({row["doc_id"] for row in rows})
    assert len(set(originals)) == len(originals)
    assert 0 < len(rows) - len(originals) < len(rows) / 3
    assert not {row["doc_id"] for row in rows} & {bytes([number]) * 16 for number in range(len(TEXTS))}
    assert planted(PlantCanaries(choice=choice), company=2) == []
    assert planted(PlantCanaries(choice=choice), cut=17) == rows


def estimate_of(one: bytes, other: bytes) -> float:
    values = [np.frombuffer(signature, SIGNATURE_VALUE) for signature in (one, other)]
    return float(np.mean(np.equal(*values)))


def test_copies_have_the_similarity_that_they_claim_and_meet_a_target(choice: FileRef) -> None:
    rows = planted(PlantCanaries(choice=choice, num_bands=32))
    batch = pa.record_batch({"text": pa.array(TEXTS, TEXT_TYPE)})
    signatures = MinHashSignature(num_bands=32).open()(batch)["minhash"].to_pylist()
    errors = []
    for row in rows:
        if row["original"] is None:
            assert row["jaccard"] == 0
            estimates = [estimate_of(row["minhash"], other) for other in signatures if other is not None]
            assert max(estimates) < 0.1
            continue
        estimate = estimate_of(row["minhash"], signatures[row["original"][0]])
        errors.append(estimate - row["jaccard"])
        if row["original"][0] < NUM_LONG:
            assert min(abs(row["jaccard"] - target) for target in TARGETS) < 0.1
    assert np.abs(errors).max() < 0.16
    assert abs(np.mean(errors)) < 0.02
