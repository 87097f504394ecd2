import fasttext
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from operators.text.fasttext_words import count_fasttext_words

TEXTS = st.text("aZ09_-é²½中 \n\t\r\v\f\0\u00a0\u2028\u3000", max_size=20)


@given(st.lists(TEXTS, max_size=4))
def test_words_are_those_of_fasttext_that_begin_with_a_letter_or_digit(texts):
    found = count_fasttext_words(pa.array(texts, pa.large_string())).tolist()
    assert found == [sum(word[0].isalnum() for word in fasttext.tokenize(text)) for text in texts]


def test_a_slice_is_counted_by_itself():
    assert count_fasttext_words(pa.array(["ab", "cd ef"], pa.large_string())[1:]).tolist() == [2]
