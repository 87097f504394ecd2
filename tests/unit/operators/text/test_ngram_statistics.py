from collections import Counter

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from operators.text.ngram_statistics import LONG_NGRAM_WORDS, TOP_NGRAM_WORDS
from operators.text.statistics import Wanted, text_statistics
from operators.text.stop_words import stop_word_table
from operators.text.word_unit import unit_scanner

# few words, so that n-grams of every length repeat
words_text = st.lists(
    st.sampled_from(["a", "b", "漢字", "é\u0301", "\n", "\n\n", "\n\n\n", "\r\n", "\u2028"]), max_size=60
)
repeated_text = st.tuples(words_text, st.integers(1, 4)).map(lambda pair: " ".join(pair[0] * pair[1]))


def ngrams_of(words: list[str], n: int) -> list[tuple[str, ...]]:
    return [tuple(words[k : k + n]) for k in range(len(words) - n + 1)]


def top_ngram_chars(words: list[str], n: int, separator: str) -> int:
    ngrams = ngrams_of(words, n)
    if not ngrams:
        return 0
    ngram, count = Counter(ngrams).most_common(1)[0]
    return len(separator.join(ngram)) * count


def repeated_ngram_chars(words: list[str], n: int, least: int) -> int:
    times = Counter(ngrams_of(words, n))
    return sum(count * len("".join(ngram)) for ngram, count in times.items() if count >= least)


def duplicate_ngram_chars(words: list[str], n: int) -> int:
    seen, k, num_chars = set(), 0, 0
    while k + n <= len(words):
        ngram = tuple(words[k : k + n])
        if ngram in seen:
            num_chars += sum(map(len, ngram))
            k += n
        else:
            seen.add(ngram)
            k += 1
    return num_chars


def expected_counts(text: str) -> dict[str, int]:
    words = text.split()
    return {
        **{f"top_{n}_gram_chars": top_ngram_chars(words, n, " ") for n in TOP_NGRAM_WORDS},
        **{f"top_{n}_gram_word_chars": top_ngram_chars(words, n, "") for n in TOP_NGRAM_WORDS},
        **{f"duplicate_{n}_gram_chars": duplicate_ngram_chars(words, n) for n in LONG_NGRAM_WORDS},
        **{f"repeated_{n}_gram_chars": repeated_ngram_chars(words, n, 2) for n in LONG_NGRAM_WORDS},
        **{f"all_{n}_gram_chars": repeated_ngram_chars(words, n, 1) for n in LONG_NGRAM_WORDS},
    }


def counted(documents: list[str]) -> list[dict[str, int]]:
    found = text_statistics(
        pa.array(documents, pa.large_string()),
        Wanted(top_ngrams=True, duplicate_ngrams=True, repeated_ngrams=True),
        scanner=unit_scanner("whitespace"),
        stop_words=stop_word_table((), any_case=False),
        short_line_chars=0,
    )
    return [{name: int(values[d]) for name, values in found.items()} for d in range(len(documents))]


@settings(deadline=None, derandomize=True, max_examples=300)
@given(st.lists(repeated_text, max_size=4))
def test_counts_agree_with_python(documents):
    assert counted(documents) == [expected_counts(text) for text in documents]


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "\n",
        "\n\n",
        "a",
        "a b",
        "a b c",
        "a a a a",
        "b a a b b",
        "ab c a bc ab c a bc x",
        "a b c d e f g h i j " * 3,
        "a " * 30,
    ],
)
def test_edges_agree_with_python(text):
    documents = ["a\n\na", text, "\n", text]
    assert counted(documents) == [expected_counts(document) for document in documents]


def test_ngrams_are_equal_only_if_their_words_are():
    # joined without spaces both halves read the same
    halves = "ab c d e f", "a bc d e f"
    assert counted([" | ".join(halves)])[0]["duplicate_5_gram_chars"] == 0
    assert counted([" | ".join([halves[0]] * 2)])[0]["duplicate_5_gram_chars"] == len("abcdef")
