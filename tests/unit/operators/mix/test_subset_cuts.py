"""Each epoch's subset is within one document of its budget."""

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from operators.mix.subset_cuts import SubsetCuts
from pipeline.errors import OperatorError
from tests.unit.operators.mix.subsets import pool, subsets


@settings(max_examples=60, deadline=None)
@given(
    sizes=st.lists(st.integers(0, 30) | st.none(), max_size=40),
    budget=st.integers(1, 300),
    num_epochs=st.integers(1, 4),
    places=st.lists(st.integers(0, 40), max_size=3),
)
def test_epochs_reach_their_budget_and_no_more(sizes, budget, num_epochs, places):
    with TemporaryDirectory() as folder:
        found, lines = subsets(Path(folder), pool(sizes), places=places, budget=budget, num_epochs=num_epochs)
    total = sum(size or 0 for size in sizes)
    for epoch, said in enumerate(found["epochs"]):
        mine = [line for line in lines if line["epoch"] == epoch]
        reached = sum(line["num_tokens"] for line in mine)
        assert (said["num_documents"], said["size"]) == (len(mine), reached)
        if total <= budget:
            assert reached == total
        else:
            largest = max(line["num_tokens"] for line in mine)
            assert budget <= reached < budget + largest
        assert len({line["doc_id"] for line in mine}) == len(mine)


def test_a_share_is_one_of_the_whole_size(tmp_path):
    found, _ = subsets(tmp_path, pool([10] * 50), share=0.3, num_epochs=2)
    assert (found["budget"], [one["num_documents"] for one in found["epochs"]]) == (150, [15, 15])


def test_epochs_draw_anew(tmp_path):
    _, lines = subsets(tmp_path, pool([1] * 1000), share=0.5, num_epochs=2)
    first, second = ({line["doc_id"] for line in lines if line["epoch"] == epoch} for epoch in (0, 1))
    assert 180 < len(first & second) < 320  # 250 by chance


@pytest.mark.parametrize("fields", [{}, {"budget": 1, "share": 0.5}, {"budget": 0}, {"share": 1.5}])
def test_one_budget_is_given(fields):
    with pytest.raises(ValidationError):
        SubsetCuts(num_epochs=1, **fields)


def test_negative_sizes_are_refused(tmp_path):
    with pytest.raises(OperatorError, match="not to be negative; found -1"):
        subsets(tmp_path, pool([-1]), budget=5, num_epochs=1)
