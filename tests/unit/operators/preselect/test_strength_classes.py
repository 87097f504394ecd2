"""Which documents become positive and negative: a plain sort says the same, however the rows are cut."""

import numpy as np
import pyarrow as pa
import pytest
import xxhash
from hypothesis import given
from hypothesis import strategies as st

from operators.dedup.seeded_hash import seeded_hashes
from operators.preselect.strength_classes import StrengthClasses
from pipeline.errors import OperatorError
from tests.unit.operators.preselect.views import View, column_of

LEVELS = [0.0, 1 / 15, 0.5, 14 / 15, 1.0]
STRENGTHS = st.lists(st.sampled_from([*LEVELS, None]), min_size=2, max_size=30)


def classes(strengths: list[float | None], batch_rows: int = 1000, **fields: object) -> list[str | None]:
    view = View({"predictive_strength": pa.array(strengths, pa.float32())}, batch_rows)
    return view.of_base(column_of(StrengthClasses(**fields), view))


def plain_classes(strengths: list[float | None], least: float, most: int | None, seed: int) -> list[str | None]:
    ids = pa.array([xxhash.xxh3_128_digest(str(row).encode()) for row in range(len(strengths))], pa.binary(16))
    hashes = seeded_hashes(ids, seed).tolist()
    known = [row for row, strength in enumerate(strengths) if strength is not None]
    strong = sorted((row for row in known if strengths[row] >= least), key=lambda row: (-strengths[row], hashes[row]))
    weak = sorted((row for row in known if strengths[row] < least), key=lambda row: (strengths[row], hashes[row]))
    strong = strong[:most]
    weak = weak[: len(strong)]
    names = dict.fromkeys(strong, "positive") | dict.fromkeys(weak, "negative")
    return [names.get(row) for row in range(len(strengths))]


@given(
    strengths=STRENGTHS.filter(lambda found: 1.0 in found and {0.0, 0.5} & set(found)),
    least=st.sampled_from([0.6, 1.0]),
    most=st.none() | st.integers(1, 5),
    batch_rows=st.integers(1, 40),
    seed=st.integers(0, 3),
)
def test_a_plain_sort_says_the_same(
    strengths: list[float | None], least: float, most: int | None, batch_rows: int, seed: int
) -> None:
    found = classes(strengths, batch_rows, min_positive=least, num_positives=most, seed=seed)
    assert found == plain_classes(strengths, least, most, seed)


def test_the_published_choice() -> None:
    found = classes([1.0, 0.0, 0.0, 1.0, 14 / 15, 1 / 15, None, 1.0])
    assert found == ["positive", "negative", "negative", "positive", None, "negative", None, "positive"]


def test_a_number_of_negatives_of_their_own() -> None:
    found = classes([1.0, 0.0, 0.0, 0.5, 0.5, 0.0], num_negatives=3)
    assert found == ["positive", "negative", "negative", None, None, "negative"]
    assert classes([1.0, 0.0, 0.0, 0.5], num_negatives=9).count("negative") == 3, "there are no more"


def test_a_limit_is_compared_as_strengths_are_stored() -> None:
    assert classes([14 / 15, 0.0], min_positive=float(np.float64(14 / 15))) == ["positive", "negative"]


def test_an_empty_class_is_refused() -> None:
    for strengths, found in (([0.0, 0.5], "found 0 and 2"), ([1.0, 1.0], "found 2 and 0"), ([None, None], "0 and 0")):
        with pytest.raises(OperatorError, match=found):
            classes(strengths)
