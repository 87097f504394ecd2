import subprocess
import sys

import pytest

from pipeline.errors import MemoryLimitError
from pipeline.execution.process_memory import out_of_memory, peak_bytes

TAKE_AND_FREE = """
import numpy as np
from pipeline.execution.process_memory import peak_bytes, release_free_memory
before = peak_bytes()
taken = np.ones(20_000_000, np.uint8).copy()
del taken
release_free_memory()
print(before, peak_bytes())
"""


def test_the_peak_outlives_what_made_it():
    """In a process of its own: this one's peak may be far above what it has now."""
    done = subprocess.run([sys.executable, "-c", TAKE_AND_FREE], capture_output=True, text=True, check=True)
    before, after = map(int, done.stdout.split())
    assert 10 << 20 < before < 500 << 20
    assert 35_000_000 < after - before < 60_000_000


def test_where_the_system_tells_no_shares_the_whole_resident_size_counts(monkeypatch, tmp_path):
    exact = peak_bytes()
    monkeypatch.setattr("pipeline.execution.process_memory._PROCESS", tmp_path)
    assert peak_bytes() >= exact


@pytest.mark.parametrize(
    ("error", "budget", "found"),
    [
        (MemoryError(), None, r"found no more, at a peak of \d[\d,]* MB; start fewer workers"),
        (MemoryError("malloc of\nsize 9"), 6 * 10**8, r"found malloc of size 9, at a peak .* budget of 600 MB; start"),
    ],
)
def test_want_of_memory_is_told_in_one_line(error, budget, found):
    told = out_of_memory("step documents, unit 3", error, budget)
    assert isinstance(told, MemoryLimitError)
    assert "\n" not in str(told)
    with pytest.raises(MemoryLimitError, match=r"^step documents, unit 3: expected .*" + found):
        raise told
