"""Who is drawn when."""

import numpy as np

from operators.mix.subset_cuts import SubsetCuts
from tests.unit.operators.mix.subsets import pool


def test_every_epoch_has_draws_of_its_own():
    operator = SubsetCuts(num_epochs=3, budget=1)
    batch = pool([1, None, 3])
    draws = [operator.epoch_draws(batch.column("doc_id"), epoch) for epoch in range(3)]
    assert len(np.unique(np.concatenate(draws))) == 9
    assert max(map(np.max, draws)) < 1 << 60
    assert operator.sizes_of(batch).tolist() == [1, 0, 3]
    assert operator.settings() == {"num_epochs": 3, "size": "num_tokens", "seed": 1}
