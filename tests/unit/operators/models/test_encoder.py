"""Texts to sequences, with the tokenizer in a model's folder."""

import json

import pytest

from operators.models.encoder import load_cutter
from pipeline.errors import PlanError
from tests.unit.operators.models.tiny_models import ON_CPU, SPECIAL, byte_tokenizer, pinned


@pytest.fixture
def model(tmp_path):
    byte_tokenizer().save(str(tmp_path / "tokenizer.json"))
    (tmp_path / "config.json").write_text(json.dumps({"max_position_embeddings": 6}))
    return pinned(tmp_path)


def test_texts_are_cut_to_what_the_model_was_made_for(model):
    found = load_cutter("op", model, ON_CPU, max_tokens=None, over_length="head").cut(["abc", "", "x" * 9])
    assert [ids.size for ids in found.ids] == [3, 6]
    assert found.documents.tolist() == [0, 2]


def test_special_tokens_in_a_text_are_text(model):
    found = load_cutter("op", model, ON_CPU, max_tokens=None, over_length="chunk_mean").cut(["[SEP]"])
    assert found.ids[0].size == len("[SEP]")
    assert found.ids[0].min() >= len(SPECIAL)


def test_more_than_the_model_can_see_is_refused(model):
    with pytest.raises(PlanError, match="op: max_tokens: expected at most 6"):
        load_cutter("op", model, ON_CPU, max_tokens=7, over_length="head")
