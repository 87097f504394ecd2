from itertools import pairwise

import pyarrow as pa
import pytest
from tokenizers import Tokenizer, models, pre_tokenizers

from operators.dedup.minhash import MinHashSignature
from pipeline.document import TEXT_TYPE
from pipeline.kernel import text_buffers
from pipeline.operator import FileRef


@pytest.mark.parametrize(
    ("fields", "note"),
    [
        ({"unit": "character", "ngram": 24, "normalization": "none"}, "24 characters, of the text as it is"),
        ({"normalization": "lowercase"}, "a character is a word), lower case, without ASCII punctuation"),
        ({"unit": "token", "tokenizer": "t.json"}, "5 tokens, lower case, numbers as 0"),
    ],
)
def test_note_says_what_a_shingle_is(fields, note):
    assert note in MinHashSignature(**fields).shingle_note()


def test_tokens_are_those_of_the_normalised_text(tmp_path):
    tokenizer = Tokenizer(models.WordLevel({"[UNK]": 0, "ab": 1, "CD": 300}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    file = FileRef(uri="tokenizer.json").pin(tmp_path / "tokenizer.json")
    texts = pa.array(["before", "ab CD ab", "", "AB."], TEXT_TYPE)[1:]

    def ids(normalization):
        operator = MinHashSignature(unit="token", tokenizer=file, normalization=normalization)
        data, bounds = operator.open_shingling()[1](texts)
        tokens = data.view("<u4").tolist()
        return [tokens[start // 4 : stop // 4] for start, stop in pairwise(bounds)]

    assert ids("none") == [[1, 300, 1], [], [0]]
    assert ids("lowercase") == [[1, 0, 1], [], [1]]


def test_words_and_characters_are_read_where_they_lie():
    texts = pa.array(["one", "two"], TEXT_TYPE)
    assert MinHashSignature().open_shingling()[1] is text_buffers
    assert MinHashSignature(unit="character").open_shingling()[1](texts)[1].tolist() == [0, 3, 6]
