"""Every hostile input has the outcome that its case states: never a traceback, never a silent loss."""

import pytest

from tests.hostile.all_cases import CASES
from tests.hostile.case import Case, Kept
from tests.hostile.conftest import RunCase

MIN_CASES = 60


def test_there_are_many_cases_and_each_has_a_name_of_its_own():
    assert len(CASES) >= MIN_CASES
    assert len({case.name for case in CASES}) == len(CASES)


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, id=case.name.replace(" ", "-"), marks=[pytest.mark.soak] if case.is_slow else [])
        for case in CASES
    ],
)
def test_outcome(case: Case, run_case: RunCase):
    ran = run_case(case)
    assert "Traceback" not in ran.err
    if isinstance(case.outcome, Kept):
        assert ran.kept() == case.outcome
        return
    assert (ran.code, ran.out) == (case.outcome.code, "")
    (told,) = [line for line in ran.err.splitlines() if line.startswith("corpusmill: ")]
    assert case.outcome.message in told
    assert "expected no such error" not in told
    assert not (ran.folder / "out" / "steps").exists() or case.outcome.code == 1
