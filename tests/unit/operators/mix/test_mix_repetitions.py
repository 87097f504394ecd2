"""A mix is applied with the settings that it was found with."""

import pytest

from operators.mix.mix_pool import MIX_FILE
from operators.mix.mix_repetitions import MixRepetitions
from pipeline.errors import PlanError
from pipeline.operator import FileRef
from tests.unit.operators.mix.mixes import mixed, pool

ROWS = [("web", 5, 2), ("book", 5, 1), (None, 5, 1)]


def test_a_row_without_a_part_has_no_number(tmp_path):
    _, times = mixed(tmp_path, pool(ROWS), others={"epochs": 2})
    assert times == [2, 2, None]


def test_a_part_that_the_pool_did_not_have_has_no_number(tmp_path):
    mixed(tmp_path, pool(ROWS), others={"epochs": 2})
    applied = MixRepetitions(mix=FileRef(uri=MIX_FILE).pin(tmp_path / MIX_FILE)).open()
    assert applied(pool([("wiki", 5, 1)])).column(0).to_pylist() == [None]


def test_other_settings_are_refused(tmp_path):
    mixed(tmp_path, pool(ROWS), others={"epochs": 2})
    mix = FileRef(uri=MIX_FILE).pin(tmp_path / MIX_FILE)
    with pytest.raises(PlanError, match=r"found others for \['seed'\]"):
        MixRepetitions(mix=mix, seed=2).open()
    with pytest.raises(PlanError, match=r"\['copies'\]"):
        MixRepetitions(mix=mix, copies="copies").open()


@pytest.mark.parametrize("text", ["", "{}", '{"settings": {}, "parts": [{}]}'])
def test_another_file_is_refused(tmp_path, text):
    (tmp_path / MIX_FILE).write_text(text)
    with pytest.raises(PlanError, match="expected a file that mix_budgets left"):
        MixRepetitions(mix=FileRef(uri=MIX_FILE).pin(tmp_path / MIX_FILE)).open()
