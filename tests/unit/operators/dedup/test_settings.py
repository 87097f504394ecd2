import pytest
from pydantic import ValidationError

from operators.dedup.minhash import MinHashSignature
from operators.dedup.settings import MinHashSettings


def test_defaults_are_those_of_the_operator():
    assert MinHashSignature(**dict(MinHashSettings())) == MinHashSignature()


def test_every_setting_is_a_field_of_the_operator():
    assert set(MinHashSettings.model_fields) == set(MinHashSignature.model_fields)


@pytest.mark.parametrize("model", [MinHashSettings, MinHashSignature])
def test_tokens_need_a_tokenizer_and_nothing_else_takes_one(model):
    with pytest.raises(ValidationError, match="expected a tokenizer for unit 'token'; found none"):
        model(unit="token")
    with pytest.raises(ValidationError, match=r"expected no tokenizer for unit 'word'; found 'a\.json'"):
        model(tokenizer="a.json")
    assert model(unit="token", tokenizer="a.json").tokenizer.uri == "a.json"
