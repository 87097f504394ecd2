"""Quotas against a plain walk over sorted documents, and against what DataMan's script chose."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import xxhash
from hypothesis import given, settings
from hypothesis import strategies as st

from operators.dedup.seeded_hash import seeded_hashes
from operators.select.quota_budgets import cell_budgets
from operators.select.quota_cutoffs import QuotaCutoffs
from operators.select.quota_filter import QuotaFilter
from operators.select.quota_pool import QUOTAS_FILE
from operators.select.quota_repetitions import QuotaRepetitions
from pipeline.errors import OperatorError
from tests.unit.operators.select.pools import cut_at, leave_file

ORACLE = Path(__file__).parents[4] / ".." / "shared" / "vectors" / "dataman_select_oracle.jsonl"
CELLS = ("source", {"column": "domain", "type": "large_string"})


def pool(rows):
    """(source, domain, score, tokens) each."""
    sources, domains, scores, tokens = zip(*rows, strict=True) if rows else ((), (), (), ())
    ids = [xxhash.xxh3_128_digest(str(index).encode()) for index in range(len(rows))]
    return pa.record_batch(
        {
            "doc_id": pa.array(ids, pa.binary(16)),
            "source": pa.array(sources, pa.string()),
            "domain": pa.array(domains, pa.large_string()),
            "score": pa.array(scores, pa.float32()),
            "num_tokens": pa.array(tokens, pa.int64()),
        }
    )


def choose(folder, batch, *, places=(), **fields):
    """What the file says, and how often each row is chosen."""
    task = QuotaCutoffs(**fields)
    quotas = leave_file(task, folder, QUOTAS_FILE, *cut_at(batch, *places))
    times = QuotaRepetitions(**task.settings(), quotas=quotas).open()(batch).column("repetitions").to_pylist()
    kept = QuotaFilter(**task.settings(), quotas=quotas).open()(batch).keep.tolist()
    assert kept == [time > 0 for time in times]
    return json.loads((folder / QUOTAS_FILE).read_text()), times


def plainly(rows, *, budget, order="best", fill="reach", when_dry="repeat", shares_of="eligible", low=-9, high=9):
    """How often each row is chosen, by sorting; None where a cell runs dry and must not."""
    draws = seeded_hashes(pool(rows).column("doc_id"), 1)
    cells, weights = {}, {}
    for index, (source, domain, score, tokens) in enumerate(rows):
        if None not in (source, domain, score):
            is_eligible = low <= score <= high
            member = (-score if order == "best" else 0, -int(draws[index]), index, tokens)
            cells.setdefault((source, domain), []).extend([member] * is_eligible)
            weights[source, domain] = weights.get((source, domain), 0) + tokens * (is_eligible or shares_of == "pool")
    times = [0] * len(rows)
    for cell, part in cell_budgets(budget, weights).items():
        members = [(index, tokens) for *_, index, tokens in sorted(cells[cell])]
        available = sum(tokens for _, tokens in members)
        if available < part and (when_dry == "error" or (when_dry == "repeat" and not available)):
            return None
        whole = part // available if available < part and when_dry == "repeat" else 0
        walk(members, part - whole * available, fill, times)
        for index, _ in members:
            times[index] += whole
    return times


def walk(members, part, fill, times):
    walked = 0
    for index, tokens in members:
        if walked >= part or (fill == "within" and walked + tokens > part):
            return
        walked += tokens
        times[index] += 1


ROWS = st.lists(
    st.tuples(
        st.sampled_from(["web", "book", None]),
        st.sampled_from(["A", "B"]),
        st.sampled_from([1.0, 2.0, 2.5, -0.25, None]),
        st.integers(0, 30),
    ),
    max_size=40,
)


@settings(deadline=None, max_examples=80)
@given(
    rows=ROWS,
    budget=st.integers(0, 600),
    order=st.sampled_from(["best", "random"]),
    fill=st.sampled_from(["reach", "within"]),
    when_dry=st.sampled_from(["error", "short", "repeat"]),
    shares_of=st.sampled_from(["eligible", "pool"]),
    bounds=st.sampled_from([(-9, 9), (1, 2), (2, 9)]),
    places=st.lists(st.integers(0, 40), max_size=3),
)
def test_agrees_with_a_plain_walk(tmp_path_factory, rows, places, bounds, **how):
    expected = plainly(rows, low=bounds[0], high=bounds[1], **how)
    fields = {"cells": CELLS, "scores": ("score",), "min_score": bounds[0], "max_score": bounds[1], **how}
    folder = tmp_path_factory.mktemp("quotas")
    if expected is None:
        with pytest.raises(OperatorError, match=r"expected documents of \d+ num_tokens, its part; found"):
            choose(folder, pool(rows), places=places, **fields)
        return
    said, times = choose(folder, pool(rows), places=places, **fields)
    assert times == expected
    for cell in said["cells"]:
        members = [index for index, row in enumerate(rows) if list(row[:2]) == cell["names"] and row[2] is not None]
        first = [index for index in members if times[index] > cell["repetitions"]]
        assert cell["num_documents"] == len(members)
        assert cell["num_chosen"] == len(first)
        assert cell["chosen_weight"] == sum(rows[index][3] for index in first)


def test_many_cells_and_scores_that_differ_in_their_last_bits(tmp_path):
    scores = np.float32(1) + np.arange(2000, dtype=np.float32) * np.float32(2**-23)
    rows = [(f"s{i % 40}", "A", float(score), 10) for i, score in enumerate(scores)]
    said, times = choose(tmp_path, pool(rows), cells=CELLS, scores=("score",), share=0.1)
    assert said["budget"] == 2000
    assert times == plainly(rows, budget=2000)
    assert {cell["lowest_score"] for cell in said["cells"]} == {rows[i][2] for i in range(1800, 2000) if i < 1840}


def test_a_seed_draws_others(tmp_path):
    rows = [("web", "A", 1.0, 1)] * 100
    drawn = []
    for seed in (1, 2):
        (tmp_path / str(seed)).mkdir()
        _, times = choose(tmp_path / str(seed), pool(rows), order="random", budget=30, seed=seed)
        assert sum(times) == 30
        drawn.append(times)
    assert drawn[0] != drawn[1]


def test_scores_are_summed(tmp_path):
    batch = pool([("web", "A", 1.0, 1), ("web", "A", 2.0, 1), ("web", "A", 3.0, 1)])
    ratings = pa.array([5, 3, 1], pa.int8())
    batch = pa.record_batch([*batch.columns, ratings], names=[*batch.schema.names, "rating"])
    scores = ("score", {"column": "rating", "type": "int8"})
    _, times = choose(tmp_path, batch, scores=scores, budget=1)
    assert times == [1, 0, 0]


def test_rows_that_are_dropped_say_why(tmp_path):
    batch = pool(
        [(None, "A", 2.0, 1), ("web", "A", None, 1), ("web", "A", 0.5, 1), ("web", "A", 1, 1), ("web", "A", 2, 1)]
    )
    task = QuotaCutoffs(cells=CELLS, scores=("score",), min_score=1, budget=1)
    operator = QuotaFilter(**task.settings(), quotas=leave_file(task, tmp_path, QUOTAS_FILE, batch))
    verdicts = operator.open()(batch)
    assert verdicts.keep.tolist() == [False, False, False, False, True]
    rules = [operator.rules()[rule] for rule in verdicts.rule[:4]]
    assert rules == ["no_cell", "no_score", "out_of_range", "over_quota"]
    assert verdicts.value[3] == 1.0


def oracle(kind):
    if not ORACLE.exists():
        return [pytest.param(None, marks=pytest.mark.skip(reason=f"{ORACLE.name} is not there"))]
    rows = [json.loads(line) for line in ORACLE.read_text().splitlines()]
    return [pytest.param(row, id=row["name"][:40]) for row in rows if row["kind"] == kind]


@pytest.mark.parametrize("row", oracle("dataman_select_multi_domain"))
def test_the_script_chose_these_documents(tmp_path, row):
    rows = list(zip(row["source_domain"], row["application_domain"], row["scores"], row["lengths"], strict=True))
    _, times = choose(tmp_path, pool(rows), cells=CELLS, scores=("score",), budget=row["token_budget"])
    chosen = [index for index, time in enumerate(times) if time]
    assert row["selected_sorted"] == chosen


@pytest.mark.parametrize("row", oracle("dataman_select_cell"))
def test_the_script_filled_this_cell(tmp_path, row):
    rows = [("web", "A", score, length) for score, length in zip(row["scores"], row["lengths"], strict=True)]
    _, times = choose(tmp_path, pool(rows), scores=("score",), budget=row["token_budget"])
    if row["upsampled"]:  # it repeats a head that its margin cuts, though there are others
        assert max(times) == 1
    else:
        assert [index for index, time in enumerate(times) if time] == sorted(row["selected"])
