"""Token ids of documents to the sequences of a model in a folder."""

import json

import pytest

from operators.models.encoder import load_cutter
from operators.tokenize.reference import encode_texts
from pipeline.errors import PlanError
from tests.unit.operators.models.tiny_models import ON_CPU, byte_tokenizer, pinned


@pytest.fixture
def model(tmp_path):
    byte_tokenizer().save(str(tmp_path / "tokenizer.json"))
    (tmp_path / "config.json").write_text(json.dumps({"max_position_embeddings": 6}))
    return pinned(tmp_path)


def test_texts_are_cut_to_what_the_model_was_made_for(model):
    documents = encode_texts(byte_tokenizer(), ["abc", "", "x" * 9])
    found = load_cutter("op", model, ON_CPU, max_tokens=None, over_length="head").cut(documents)
    assert [ids.size for ids in found.ids] == [3, 6]
    assert found.documents.tolist() == [0, 2]


def test_more_than_the_model_can_see_is_refused(model):
    with pytest.raises(PlanError, match="op: max_tokens: expected at most 6"):
        load_cutter("op", model, ON_CPU, max_tokens=7, over_length="head")
