import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import PlanError
from pipeline.execution import machine_memory
from pipeline.execution.machine_memory import machine_bytes
from pipeline.execution.memory_budget import (
    BATCHES_AT_ONCE,
    LEAST_BYTES,
    MEGABYTE,
    RESIDENT_BYTES,
    share_of_machine,
    within,
)


@given(st.integers(LEAST_BYTES, 1 << 40), st.integers(1, 5000))
def test_what_follows_from_a_budget_fits_into_it(memory, rows):
    execution = within(memory, rows)
    assert (execution.batch_rows, execution.memory_bytes) == (rows, memory)
    # Arrow's rows are there twice and once as mapped files; a batch in many forms.
    assert RESIDENT_BYTES + 3 * execution.exchange_memory_bytes < memory
    assert RESIDENT_BYTES + BATCHES_AT_ONCE * execution.read_bytes <= max(memory, LEAST_BYTES)
    more = within(memory + MEGABYTE, rows)
    assert more.read_bytes >= execution.read_bytes
    assert more.exchange_memory_bytes >= execution.exchange_memory_bytes


def test_a_budget_that_code_alone_fills_is_refused():
    with pytest.raises(PlanError, match=r"expected at least 400 MB, .*; found 399 MB; give workers more"):
        within(LEAST_BYTES - 1, 1024)


def test_workers_share_what_a_container_may_have(tmp_path, monkeypatch):
    monkeypatch.setattr(machine_memory, "_GROUPS", tmp_path)
    monkeypatch.setattr(machine_memory, "_GROUP_OF_PROCESS", tmp_path / "cgroup")
    (tmp_path / "cgroup").write_text("4:memory:/a/b\n3:cpu:/a\n0::/pod/worker\n")
    installed = machine_bytes()
    limits = {"memory/a/memory.limit_in_bytes": 6000, "pod/memory.max": 5000, "pod/worker/memory.max": 8000}
    for name, megabytes in limits.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(f"{megabytes * MEGABYTE}\n")
    (tmp_path / "memory.max").write_text("max\n")
    assert machine_bytes() == min(installed, 5000 * MEGABYTE)
    assert share_of_machine(2) == (4000 - 1000) // 2 * MEGABYTE
    assert share_of_machine(100) == LEAST_BYTES
    (tmp_path / "cgroup").unlink()
    assert machine_bytes() == installed
