import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchmarks.dedup import speed
from benchmarks.dedup.corpus import TRUTH, TRUTH_SCHEMA, Corpus, Settings
from benchmarks.dedup.tools import Run, Tool


def corpus_of(folder, documents):
    folder.mkdir()
    truth = [["d0"], ["d1"], ["edit"], [1.0]]
    pq.write_table(pa.table(list(map(pa.array, truth)), schema=TRUTH_SCHEMA), folder / TRUTH)
    return Corpus(str(folder), Settings(documents, 1), documents, 1, documents * 1000)


def tool(name):
    survivors = pa.array(["d0", *(f"d{number}" for number in range(2, 10))])
    return Tool(name, lambda *_: [], lambda _: survivors, lambda _: {})


@pytest.fixture
def order(monkeypatch):
    """Runs of the tools, in order: `fast` takes a second for ten documents, `slow` nearly the limit."""
    runs = []

    def run_once(tool, documents, _output):
        runs.append((tool.name, documents.parent.name))
        seconds = {"fast": 1.0, "slow": 0.5 * speed.MAX_SECONDS}[tool.name]
        return Run(seconds, seconds, 1.0, "cgroup", {})

    monkeypatch.setattr(speed, "run_once", run_once)
    return runs


def test_tools_take_turns_and_slow_ones_run_once_over_the_small_corpus(order, tmp_path):
    small, large = corpus_of(tmp_path / "small", 10), corpus_of(tmp_path / "large", 100)
    found = speed.compare([tool("fast"), tool("slow")], [small, large], tmp_path)
    assert order == [
        ("fast", "small"),
        ("slow", "small"),
        ("fast", "small"),
        ("fast", "small"),
        *[("fast", "large")] * 3,
    ]
    assert found["large"]["left_out"] == {"slow": "would take about 4500 s; the limit is 900 s"}
    assert found["small"]["left_out"] == {}


def test_what_is_said_of_a_tool(order, tmp_path):
    del order
    found = speed.compare([tool("fast")], [corpus_of(tmp_path / "small", 10)], tmp_path)["small"]["tools"]["fast"]
    assert found["mb_per_cpu_s"] == 0.01
    assert len(found["runs"]) == speed.ROUNDS
    assert (found["quality"]["recall"], found["quality"]["precision"]) == (1.0, 1.0)
