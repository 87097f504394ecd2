"""The report passes what chance explains, and ends the run otherwise."""

import json
import random
from pathlib import Path

import pyarrow as pa
import pytest

from operators.dedup.canary_expectation import removal_probability
from operators.dedup.canary_report import REPORT_FILES, CanaryReport
from operators.dedup.choose_survivors import ChooseSurvivors
from pipeline.errors import OperatorError
from pipeline.operator import TaskInputs
from tests.laws.examples import Rows

SOMEBODY = b"s" * 16


def report(folder: Path, canaries: list[tuple[float | None, bool]]) -> list[dict[str, float]]:
    rows = [
        {
            "original": None if jaccard is None else SOMEBODY,
            "jaccard": jaccard or 0.0,
            "survivor": SOMEBODY if is_removed else None,
        }
        for jaccard, is_removed in canaries
    ]
    operator = CanaryReport()
    batch = pa.RecordBatch.from_pylist(rows, operator.requires())
    assert list(operator.open()(TaskInputs(Rows(batch, (7,)), {}, (), folder))) == []
    found: list[dict[str, float]] = json.loads((folder / REPORT_FILES[0]).read_text())
    return found


def drawn(jaccard: float, num: int) -> list[tuple[float | None, bool]]:
    chance = random.Random(1)
    return [(jaccard, chance.random() < removal_probability(jaccard, ChooseSurvivors())) for _ in range(num)]


def test_what_chance_explains_passes_and_is_reported(tmp_path: Path) -> None:
    bands = report(tmp_path, [*drawn(0.75, 400), *drawn(0.95, 100), *[(None, False)] * 50])
    assert [(band["kind"], band["from_jaccard"], band["num_canaries"]) for band in bands] == [
        ("copies", 0.7, 400),
        ("copies", 0.9, 100),
        ("unique", 0.0, 50),
    ]
    lines = (tmp_path / REPORT_FILES[1]).read_text().splitlines()
    assert len(lines) == 2 + 3
    assert lines[2].startswith("| copies | 0.7 to 0.8 | 400 | 0.")


@pytest.mark.parametrize(
    ("canaries", "message"),
    [
        (
            [(0.95, False)] * 40,
            r"^canary_report: copies of Jaccard similarity 0.9 to 1.0: expected .* found 0.000; an",
        ),
        (
            [(0.55, True)] * 40,
            r"copies of Jaccard similarity 0.5 to 0.6: expected 0.0\d+ of 40 .* found 1.000",
        ),
        (
            [(None, number < 2) for number in range(40)],
            r"documents of random words .*: expected 0.000 .* found 0.050",
        ),
    ],
)
def test_what_chance_does_not_explain_ends_the_run(
    tmp_path: Path, canaries: list[tuple[float | None, bool]], message: str
) -> None:
    with pytest.raises(OperatorError, match=message):
        report(tmp_path, canaries)


def test_few_canaries_are_not_judged(tmp_path: Path) -> None:
    (band,) = report(tmp_path, [(0.95, False)] * 19)
    assert band["num_removed"] == 0
