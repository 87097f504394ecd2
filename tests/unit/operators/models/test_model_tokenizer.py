"""Tokenizers of model folders read text as text."""

import pytest

from operators.models.model_tokenizer import load_model_tokenizer
from operators.models.settings import ModelSettings
from operators.tokenize.reference import encode_texts
from pipeline.errors import PlanError
from tests.unit.operators.models.tiny_models import byte_tokenizer, pinned


def test_special_tokens_in_a_text_are_text(tmp_path):
    byte_tokenizer().save(str(tmp_path / "tokenizer.json"))
    tokenizer = load_model_tokenizer("test", pinned(tmp_path), ModelSettings())
    assert [ids.size for ids in encode_texts(tokenizer, ["</s>", "", "é"])] == [4, 0, 2]


def test_a_folder_without_a_tokenizer_is_refused(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(PlanError, match=r"test: model .*: expected a file 'tokenizer.json' among the model's"):
        load_model_tokenizer("test", pinned(tmp_path), ModelSettings())
