"""Very many ProX programs, good and broken."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.prox_programs import check_execution


@pytest.mark.soak
@pytest.mark.timeout(3600)
@given(st.data())
@settings(max_examples=100_000, deadline=None, suppress_health_check=list(HealthCheck))
def test_no_program_of_very_many_does_more_than_it_may(data):
    check_execution(data)
