"""Progress, where stderr is no terminal."""

import pytest

from jobs.progress import show_progress
from pipeline.execution.runner import Event


def test_plain_lines_say_what_began_and_what_is_done(capsys: pytest.CaptureFixture[str]):
    with show_progress() as watch:
        watch(Event("segment_started", "documents", 0, 8, message="language_id"))
        watch(Event("unit_finished", "documents", 1, 8))
        watch(Event("actor_lost", "documents", 1, 8, message="killed"))
        watch(Event("fell_back", "documents", message="tokenize fell back"))
        watch(Event("step_finished", "documents", 8, 8))
        watch(Event("step_cached", "exact"))
    out, err = capsys.readouterr()
    assert out == ""
    assert [line.split("] ", 1)[1] for line in err.splitlines()] == [
        "documents: language_id, 0 of 8 done",
        "documents: an actor was lost (killed); its work runs again",
        "documents: tokenize fell back",
        "documents: finished",
        "exact: already built",
    ]
