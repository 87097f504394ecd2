import subprocess
import sys

from pipeline.execution.process_memory import peak_bytes

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
