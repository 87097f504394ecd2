"""What is read from the kernel's files about memory."""

from pathlib import Path

import pytest

from pipeline.execution import machine_memory
from pipeline.execution.machine_memory import kernel_kills, used_memory_fraction


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine that has a quarter of its memory free, and nothing else that tells."""
    (tmp_path / "meminfo").write_text("MemTotal: 1000 kB\nMemFree: 10 kB\nMemAvailable: 250 kB\n")
    (tmp_path / "vmstat").write_text("pgfault 5\noom_kill 3\n")
    for name, file in (("_MEMORY", "meminfo"), ("_COUNTERS", "vmstat"), ("_GROUP_OF_PROCESS", "cgroup")):
        monkeypatch.setattr(machine_memory, name, tmp_path / file)
    monkeypatch.setattr(machine_memory, "_GROUPS", tmp_path / "groups")
    return tmp_path


def limit(machine: Path, group: str, limit: str) -> None:
    (machine / "cgroup").write_text("0::/outer/inner\n")
    (machine / "groups" / group).mkdir(parents=True, exist_ok=True)
    (machine / "groups" / group / "memory.max").write_text(f"{limit}\n")
    (machine / "groups" / group / "memory.stat").write_text("anon 300\nfile 5000\nshmem 60\n")


def test_the_machine_counts_what_is_not_available(machine: Path) -> None:
    assert used_memory_fraction() == pytest.approx(0.75)
    (machine / "meminfo").unlink()
    assert used_memory_fraction() == 0


def test_a_container_counts_where_it_is_fuller(machine: Path) -> None:
    limit(machine, "outer/inner", "max")
    assert used_memory_fraction() == pytest.approx(0.75)
    limit(machine, "outer", "400")
    assert used_memory_fraction() == pytest.approx(0.9)
    limit(machine, "outer", "3600")
    assert used_memory_fraction() == pytest.approx(0.75)


def test_kills_are_those_of_the_kernel(machine: Path) -> None:
    assert kernel_kills() == 3
    (machine / "vmstat").unlink()
    assert kernel_kills() == 0
