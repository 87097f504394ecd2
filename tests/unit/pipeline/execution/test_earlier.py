"""Which shards of earlier builds are taken over."""

from dataclasses import replace
from pathlib import Path

from pipeline.artifact import ShardRecord
from pipeline.execution.commit import StepFolder
from pipeline.execution.earlier import EarlierShards
from pipeline.execution.work import TaskSource, Unit

UNITS = [Unit(index, (f"f{index}",), TaskSource(None, None, {}, {}, ())) for index in range(4)]
QUICK, OLD = {"tokens": "quick 2"}, {"tokens": "quick 1"}


def earlier(**made_with):
    return EarlierShards(
        {
            int(name[1:]): (Path(name), ShardRecord(9, name, {}, {}, made_with=engine))
            for name, engine in made_with.items()
        }
    )


def chosen(found, missing=UNITS, made_with=None):
    taken, to_run = found.choose(missing, made_with)
    return taken, [unit.index for unit in to_run]


def test_nothing_left_nothing_taken():
    assert chosen(earlier()) == ([], [0, 1, 2, 3])


def test_new_units_are_run_first_since_they_tell_what_workers_have():
    found = earlier(f0=QUICK, f1=OLD, f3=QUICK)
    assert chosen(found) == ([], [2])
    left = [UNITS[0], UNITS[1], UNITS[3]]
    assert chosen(found, left, QUICK) == ([0, 3], [1])
    assert chosen(found, left, OLD) == ([1], [0, 3])
    assert chosen(found, left, {}) == ([], [0, 1, 3])


def test_where_all_is_there_and_agrees_nothing_is_run():
    assert chosen(earlier(f0=OLD, f1=OLD, f2=OLD, f3=OLD)) == ([0, 1, 2, 3], [])


def test_where_all_is_there_but_builds_disagree_one_unit_is_run_to_decide():
    assert chosen(earlier(f0=OLD, f1=OLD, f2=QUICK, f3=OLD)) == ([], [0])


def test_only_what_the_same_fallbacks_made_is_offered(tmp_path, monkeypatch):
    plain = ShardRecord(0, "f0", {}, {})
    fallen = replace(plain, fingerprint="f1", fallbacks=("tokens",))
    left = {record.fingerprint: (tmp_path, record) for record in (plain, fallen)}
    monkeypatch.setattr(StepFolder, "earlier_shards", lambda self: left)  # noqa: ARG005 -- reads folders
    folder = StepFolder(tmp_path, "s", "0" * 32)
    assert list(EarlierShards.of(folder, UNITS, ()).by_unit) == [0]
    assert list(EarlierShards.of(folder, UNITS, ("tokens",)).by_unit) == [1]
    assert list(EarlierShards.of(folder, (), ()).by_unit) == []
