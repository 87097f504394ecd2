"""The list of subsets: epoch by epoch, each in a random order, with the places of documents."""

import pytest
from scipy import stats

from operators.mix.subset_pool import SUBSETS_FILE
from operators.mix.subset_rows import SubsetRows
from pipeline.errors import PlanError
from pipeline.operator import FileRef
from tests.unit.operators.mix.subsets import pool, subsets


@pytest.mark.parametrize("num_epochs", [1, 3, 7])
def test_epochs_stand_one_behind_the_other(tmp_path, num_epochs):
    _, lines = subsets(tmp_path, pool([1] * 300), share=0.5, num_epochs=num_epochs)
    epochs = [line["epoch"] for line in lines]
    assert epochs == sorted(epochs)
    assert set(epochs) == set(range(num_epochs))
    spread = [line["shuffle_key"] / (1 << 64) for line in lines]
    assert stats.kstest(spread, "uniform").pvalue > 1e-4, "an exchange by ranges has partitions alike"


def test_an_epoch_is_in_a_random_order_of_its_own(tmp_path):
    _, lines = subsets(tmp_path, pool([1] * 2000), share=1, num_epochs=2)
    orders = [[10 * line["shard"] + line["row"] for line in lines if line["epoch"] == epoch] for epoch in (0, 1)]
    assert sorted(orders[0]) == sorted(orders[1]) == list(range(2000))
    for order in orders:
        assert abs(stats.spearmanr(order, range(2000)).statistic) < 0.1
    assert abs(stats.spearmanr(*orders).statistic) < 0.1


def test_lines_say_where_documents_lie(tmp_path):
    batch = pool([7] * 25)
    _, lines = subsets(tmp_path, batch, share=0.5, num_epochs=1)
    ids = batch.column("doc_id").to_pylist()
    assert lines
    assert all(ids[10 * line["shard"] + line["row"]] == line["doc_id"] for line in lines)
    assert {line["num_tokens"] for line in lines} == {7}


def test_other_settings_and_files_are_refused(tmp_path):
    subsets(tmp_path, pool([1]), budget=1, num_epochs=2)
    file = FileRef(uri=SUBSETS_FILE).pin(tmp_path / SUBSETS_FILE)
    with pytest.raises(PlanError, match=r"found others for \['num_epochs'\]"):
        SubsetRows(num_epochs=3, subsets=file).open()
    (tmp_path / SUBSETS_FILE).write_text("{}")
    with pytest.raises(PlanError, match="expected a file that subset_cuts left"):
        SubsetRows(num_epochs=2, subsets=FileRef(uri=SUBSETS_FILE).pin(tmp_path / SUBSETS_FILE)).open()
