"""Parts: who decides, and that nobody moves."""

import numpy as np
import pyarrow as pa
import pytest
import xxhash
from pydantic import ValidationError

from operators.mix.split import Split

THIRDS = ({"name": "validation", "share": 0.25}, {"name": "test", "share": 0.25})


def ids(numbers):
    return [None if number is None else xxhash.xxh3_128_digest(str(number).encode()) for number in numbers]


def parts(split, own, clusters=None):
    columns = {"doc_id": pa.array(ids(own), pa.binary(16))}
    if clusters is not None:
        columns["cluster_id"] = pa.array(ids(clusters), pa.binary(16))
    return split.open()(pa.record_batch(columns)).column("split").to_pylist()


def test_a_cluster_is_in_the_part_of_its_first_document():
    own = range(1000)
    alone = parts(Split(held_out=THIRDS, cluster=None), own)
    assert set(alone) == {"validation", "test", "train"}
    clusters = [number // 2 if number % 3 else None for number in own]
    expected = [alone[number if cluster is None else cluster] for number, cluster in zip(own, clusters, strict=True)]
    assert parts(Split(held_out=THIRDS), own, clusters) == expected


def test_shares_are_what_they_say():
    found = parts(Split(held_out=THIRDS, cluster=None), range(20_000))
    for name, share in (("validation", 0.25), ("test", 0.25), ("train", 0.5)):
        assert abs(found.count(name) / 20_000 - share) < 4 * np.sqrt(share * (1 - share) / 20_000)


def test_another_seed_holds_out_others():
    one, other = (parts(Split(held_out=THIRDS, cluster=None, seed=seed), range(1000)) for seed in (1, 2))
    assert 0.3 < np.mean([a == b for a, b in zip(one, other, strict=True)]) < 0.45  # 0.375 by chance


def test_a_last_part_that_is_made_larger_keeps_its_documents():
    small, large = (
        parts(Split(held_out=({"name": "validation", "share": share},), cluster=None), range(5000))
        for share in (0.01, 0.02)
    )
    assert {at for at, name in enumerate(small) if name == "validation"} < {
        at for at, name in enumerate(large) if name == "validation"
    }


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"held_out": ({"name": "a", "share": 0.5}, {"name": "a", "share": 0.1})}, "distinct names"),
        ({"held_out": ({"name": "train", "share": 0.5},)}, "distinct names"),
        ({"held_out": ({"name": "a", "share": 0.5}, {"name": "b", "share": 0.5})}, "leave something"),
        ({"held_out": ()}, "at least 1"),
    ],
)
def test_parts_that_cannot_be_are_refused(fields, told):
    with pytest.raises(ValidationError, match=told):
        Split(**fields)
