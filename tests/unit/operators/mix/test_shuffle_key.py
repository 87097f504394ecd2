"""Whether the order of keys is a random one."""

import numpy as np
import pyarrow as pa
import pytest
import xxhash
from scipy import stats

from operators.mix.shuffle_key import ShuffleKey
from pipeline.document import IdHasher, position

NUM_ROWS = 40_000
UNLIKELY = 1e-4


def keys(operator, num_rows=NUM_ROWS):
    """Of documents as a reader numbers them, and of rows in shards of a thousand."""
    batch = pa.record_batch(
        {
            "doc_id": IdHasher("web", "part.jsonl").many(range(num_rows)),
            "position": pa.array([position(row // 1000, row % 1000) for row in range(num_rows)], pa.uint64()),
        }
    )
    return operator.open()(batch.select(operator.requires().names)).column("shuffle_key").to_numpy()


@pytest.fixture(scope="module", params=["documents", "windows"])
def order(request):
    """The rows' numbers in the order of their keys."""
    return np.argsort(keys(ShuffleKey(of=request.param)), kind="stable")


def test_every_block_has_rows_of_every_part_alike(order):
    """Chi-square: 20 blocks of the order against 20 parts of the input."""
    table, *_ = np.histogram2d(np.arange(NUM_ROWS), order, bins=20)
    assert stats.chi2_contingency(table).pvalue > UNLIKELY


def test_runs_up_and_down_are_as_many_as_chance_gives(order):
    """Wald-Wolfowitz, above and below the median, and the number of runs up and down."""
    above = order >= NUM_ROWS // 2
    num_runs = 1 + int((above[1:] != above[:-1]).sum())
    half = NUM_ROWS / 2
    deviation = np.sqrt(half * (half - 1) / (NUM_ROWS - 1))
    assert 2 * stats.norm.sf(abs(num_runs - (half + 1)) / deviation) > UNLIKELY
    turns = int((np.diff(np.sign(np.diff(order))) != 0).sum())
    expected, variance = 2 * (NUM_ROWS - 2) / 3, (16 * NUM_ROWS - 29) / 90
    assert 2 * stats.norm.sf(abs(turns - expected) / np.sqrt(variance)) > UNLIKELY


def test_neighbours_do_not_stay_neighbours(order):
    assert (np.abs(np.diff(order)) == 1).mean() < 5 * 2 / NUM_ROWS
    assert abs(stats.spearmanr(order[1:], order[:-1]).statistic) < 4 / np.sqrt(NUM_ROWS)


def test_a_document_keeps_its_key_wherever_it_lies():
    ids = [xxhash.xxh3_128_digest(bytes([number])) for number in range(9)]
    found = [
        ShuffleKey().open()(pa.record_batch({"doc_id": pa.array(part, pa.binary(16))})).column(0).to_pylist()
        for part in (ids, ids[3:], ids[::-1])
    ]
    assert found[1] == found[0][3:]
    assert found[2] == found[0][::-1]


def test_another_seed_is_another_order():
    one, other = keys(ShuffleKey(), 1000), keys(ShuffleKey(seed=2), 1000)
    assert abs(stats.spearmanr(one, other).statistic) < 4 / np.sqrt(1000)
