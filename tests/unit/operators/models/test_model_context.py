"""How long a sequence may be, by what lies in a model's folder."""

import json

import pytest

from operators.models.model_context import resolved_max_tokens
from pipeline.errors import PlanError

FILES = {
    "config.json": {"max_position_embeddings": 514},
    "tokenizer_config.json": {"model_max_length": 512},
    "sentence_bert_config.json": {"max_seq_length": 256},
}


def write(folder, names, **more):
    for name in names:
        (folder / name).write_text(json.dumps(FILES[name] | more))


@pytest.mark.parametrize(
    ("names", "wanted", "expected"),
    [
        (FILES, None, 256),
        (["config.json", "tokenizer_config.json"], None, 512),
        (["config.json"], None, 514),
        (FILES, 512, 512),
        ([], 40, 40),
    ],
)
def test_the_smallest_limit_holds_unless_a_recipe_asks_for_more(tmp_path, names, wanted, expected):
    write(tmp_path, names)
    assert resolved_max_tokens("op", tmp_path, wanted, 2) == expected


def test_a_tokenizer_without_a_limit_does_not_count(tmp_path):
    write(tmp_path, ["config.json"])
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"model_max_length": 1e30}))
    assert resolved_max_tokens("op", tmp_path, None, 2) == 514


@pytest.mark.parametrize(
    ("names", "wanted", "message"),
    [
        (FILES, 515, "op: max_tokens: expected at most 514, for which the model has positions; found 515"),
        ([], None, "op: max_tokens: expected one of the entries .* found none; set max_tokens"),
        (FILES, 2, "op: max_tokens: expected more than the 2 special tokens of a sequence; found 2"),
    ],
)
def test_what_cannot_be_is_refused(tmp_path, names, wanted, message):
    write(tmp_path, names)
    with pytest.raises(PlanError, match=message):
        resolved_max_tokens("op", tmp_path, wanted, 2)
