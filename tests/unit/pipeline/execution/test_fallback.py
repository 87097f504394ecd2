"""What stands in for operators that fell back, and what shards must have been made with."""

import pytest

from pipeline.artifact import Fallback, ShardRecord
from pipeline.errors import CommitError, FallBackNeeded, OperatorError
from pipeline.execution.commit import StepFolder
from pipeline.execution.fallback import MadeWith, StepFallbacks
from tests.sample_operators import GuardedLength, TextLength

QUICK = GuardedLength(distrust="x")
SOUND = GuardedLength(distrust="x", engine="sound")
ASKED = FallBackNeeded("guarded_length", "wrong lengths", "row 7")
FALLBACK = Fallback("guarded_length", {"engine": "quick"}, {"engine": "sound"}, "wrong lengths")


def test_a_fallback_stands_in_for_its_operator_alone():
    fallbacks = StepFallbacks("s", (FALLBACK,))
    assert fallbacks.standing_in("guarded_length", QUICK) == SOUND
    assert fallbacks.standing_in("guarded_length#2", QUICK) == QUICK
    assert StepFallbacks("s", ()).standing_in("guarded_length", QUICK) == QUICK


def test_the_record_says_which_fields_change_and_not_where_it_was_found_out():
    assert StepFallbacks("s", ()).asked(ASKED, {"guarded_length": QUICK}) == FALLBACK


@pytest.mark.parametrize(
    ("operators", "message"),
    [
        ({"other": QUICK}, r"expected one of \['other'\] to ask for its fallback; found 'guarded_length'"),
        ({"guarded_length": SOUND}, r"expected a fallback, as it asks for one; found None; .*: wrong lengths$"),
        ({"guarded_length": TextLength()}, "expected a fallback, as it asks for one; found None"),
    ],
)
def test_what_cannot_fall_back_is_an_error(operators, message):
    with pytest.raises(OperatorError, match=message):
        StepFallbacks("s", ()).asked(ASKED, operators)


def test_an_operator_that_falls_back_on_itself_would_never_end(monkeypatch):
    monkeypatch.setattr(GuardedLength, "fallback", lambda self: self)
    with pytest.raises(OperatorError, match="found the operator itself"):
        StepFallbacks("s", ()).asked(ASKED, {"guarded_length": QUICK})


def test_another_fallback_than_an_earlier_run_recorded_is_refused():
    earlier = Fallback("guarded_length", {"engine": "quick"}, {"engine": "slow"}, "wrong lengths")
    with pytest.raises(CommitError, match=r"expected the fallback .* with \{'engine': 'slow'\}; found \{'engine'"):
        StepFallbacks("s", (earlier,)).standing_in("guarded_length", QUICK)


def test_the_order_in_which_operators_asked_does_not_show(tmp_path):
    other = Fallback("a", {"engine": "quick"}, {"engine": "sound"}, "no")
    folders = [StepFolder(tmp_path / name, "s", "0" * 32) for name in ("one", "other")]
    for folder, order in zip(folders, [(other, FALLBACK), (FALLBACK, other)], strict=True):
        for fallback in order:
            folder.add_fallback(fallback)
    one, another = map(StepFallbacks.recorded, folders)
    assert one.granted == another.granted[::-1]
    assert (one.labels, one.by_operator) == (another.labels, another.by_operator)
    assert one.labels == ("a", "guarded_length")


def shard(index, **made_with):
    return ShardRecord(index, "f", {}, {}, made_with=made_with)


def test_shards_of_a_segment_agree_and_segments_add_up():
    made_with = MadeWith("s")
    assert made_with.of(0) is None
    made_with.expect(0, [shard(0, tokens="quick 1"), shard(1, tokens="quick 1")])
    made_with.expect(1, [shard(0)])
    made_with.expect(2, [shard(0, ranks="sound 2")])
    assert (made_with.of(0), made_with.of(1)) == ({"tokens": "quick 1"}, {})
    assert made_with.of_step() == {"ranks": "sound 2", "tokens": "quick 1"}


@pytest.mark.parametrize(("other", "found"), [({"tokens": "quick 2"}, "'quick 2'"), ({}, "None")])
def test_a_shard_made_with_something_else_is_named(other, found):
    made_with = MadeWith("s")
    made_with.expect(0, [shard(0, tokens="quick 1")])
    with pytest.raises(CommitError) as raised:
        made_with.expect(0, [shard(3, **other)])
    assert str(raised.value) == (
        "step s, shard 3, operator tokens: expected it to be made with 'quick 1', as the step's other shards; found "
        f"{found}; install that version on every machine, or remove the step's folder and run again"
    )
