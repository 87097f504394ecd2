"""The `tokenizers` library, set to treat all text as text."""

import pytest
from tokenizers import Tokenizer, models, pre_tokenizers

from operators.tokenize import reference
from operators.tokenize.reference import as_plain_text, encode_texts


def words() -> Tokenizer:
    tokenizer = Tokenizer(models.WordLevel(vocab={"a": 0, "b": 1, "?": 2}, unk_token="?"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    return tokenizer


@pytest.mark.parametrize("limit", [1, 3, 100])
def test_the_number_of_calls_changes_nothing(monkeypatch: pytest.MonkeyPatch, limit: int) -> None:
    monkeypatch.setattr(reference, "ENCODE_CHARS", limit)
    assert [ids.tolist() for ids in encode_texts(words(), ["a b", "", "b", "c a"])] == [[0, 1], [], [1], [2, 0]]
    assert encode_texts(words(), []) == []


def test_what_a_file_sets_is_off() -> None:
    tokenizer = words()
    tokenizer.enable_truncation(1)
    tokenizer.enable_padding(length=9)
    (ids,) = encode_texts(as_plain_text(tokenizer), ["a b"])
    assert ids.tolist() == [0, 1]
