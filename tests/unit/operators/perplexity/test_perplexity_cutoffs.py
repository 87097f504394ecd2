"""Cutoffs are ranks among all documents of a language, however they are cut into batches."""

import json
import math
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from operators.perplexity.perplexity_cutoffs import CUTOFFS_FILE, PerplexityCutoffs
from pipeline.errors import OperatorError
from tests.laws.examples import task_inputs

Pairs = list[tuple[float | None, str | None]]


def cutoffs(operator: PerplexityCutoffs, pairs: Pairs, folder: Path, cuts: tuple[int, ...] = ()) -> dict[str, object]:
    batch = pa.record_batch(
        {
            "perplexity": pa.array([pair[0] for pair in pairs], pa.float32()),
            "language": pa.array([pair[1] for pair in pairs], pa.large_string()),
            "bucket": pa.array(range(len(pairs)), pa.uint64()),
            "position": pa.array(range(len(pairs)), pa.uint64()),
        }
    )
    assert list(operator.open()(task_inputs(batch, folder, cuts))) == []
    return json.loads((folder / CUTOFFS_FILE).read_text(encoding="utf-8"))


def test_thirty_and_sixty_percent_of_each_language(tmp_path: Path):
    pairs: Pairs = [(float(value), "en") for value in range(10, 0, -1)]
    pairs += [(7.5, "de"), (None, "en"), (5.0, None)]
    assert cutoffs(PerplexityCutoffs(), pairs, tmp_path) == {
        "head_percent": 30,
        "middle_percent": 60,
        "languages": {
            "en": {"head": 3.0, "middle": 6.0, "num_documents": 10},
            "de": {"head": 7.5, "middle": 7.5, "num_documents": 1},
        },
    }


VALUES = st.sampled_from([1.0, 1.1, 1.5, 2.0, 3e38, 65536.5, 65537.0]) | st.floats(1, 1e6, width=32)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.lists(st.tuples(VALUES | st.none(), st.sampled_from(["en", "de", None])), min_size=1),
    st.integers(1, 98),
    st.lists(st.integers(0, 30), max_size=3).map(tuple),
)
def test_a_cutoff_is_the_value_of_its_rank(tmp_path: Path, pairs: Pairs, percent: int, cuts: tuple[int, ...]):
    pairs = [*pairs, (2.5, "en")]
    found = cutoffs(PerplexityCutoffs(head_percent=percent, middle_percent=percent + 1), pairs, tmp_path, cuts)
    for language in {name for value, name in pairs if value is not None and name is not None}:
        values = sorted(float(np.float32(value)) for value, name in pairs if name == language and value is not None)
        ranks = [math.ceil(share * len(values) / 100) for share in (percent, percent + 1)]
        expected = {"head": values[ranks[0] - 1], "middle": values[ranks[1] - 1], "num_documents": len(values)}
        assert found["languages"][language] == expected


def test_nothing_to_cut_is_refused(tmp_path: Path):
    with pytest.raises(OperatorError, match="expected rows with a 'perplexity' and a 'language'; found none"):
        cutoffs(PerplexityCutoffs(), [(None, "en"), (3.0, None)], tmp_path)
    with pytest.raises(ValidationError, match="middle_percent: expected more than 30; found 30"):
        PerplexityCutoffs(middle_percent=30)
