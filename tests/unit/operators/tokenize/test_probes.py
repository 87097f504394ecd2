"""Texts that an engine is tried on."""

from operators.tokenize.probes import PROBES


def test_they_are_distinct_and_few_enough_to_open_an_operator_with() -> None:
    assert len(set(PROBES)) == len(PROBES)
    assert sum(len(probe.encode()) for probe in PROBES) < 40_000
