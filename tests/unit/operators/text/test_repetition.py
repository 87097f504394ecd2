import re
import time
from collections import Counter

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from operators.text.repetition import repetition_counts

# few words, so that n-grams of every length repeat
words_text = st.lists(
    st.sampled_from(["a", "b", "漢字", "é\u0301", "\n", "\n\n", "\n\n\n", "\r\n", "\u2028"]), max_size=60
)
repeated_text = st.tuples(words_text, st.integers(1, 4)).map(lambda pair: " ".join(pair[0] * pair[1]))
piece_text = st.text(st.sampled_from("ab \n\n\u3000é"), max_size=60)


def duplicates(pieces: list[str]) -> tuple[int, int]:
    again = [piece for index, piece in enumerate(pieces) if piece in pieces[:index]]
    return len(again), sum(map(len, again))


def top_ngram_chars(words: list[str], n: int) -> int:
    ngrams = [" ".join(words[k : k + n]) for k in range(len(words) - n + 1)]
    if not ngrams:
        return 0
    ngram, count = Counter(ngrams).most_common(1)[0]
    return len(ngram) * count


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


def expected_counts(text: str) -> list[object]:
    paragraphs = re.split(r"\n{2,}", text.strip())
    lines = re.split(r"\n+", text)
    words = text.split()
    return [
        len(text),
        len(paragraphs),
        *duplicates(paragraphs),
        len(lines),
        *duplicates(lines),
        [top_ngram_chars(words, n) for n in (2, 3, 4)],
        [duplicate_ngram_chars(words, n) for n in range(5, 11)],
    ]


def counted(documents: list[str]) -> list[list[object]]:
    counts = repetition_counts(pa.array(documents, pa.large_string()))
    return [[field[d].tolist() for field in counts] for d in range(len(documents))]


@settings(deadline=None, derandomize=True, max_examples=300)
@given(st.lists(st.one_of(repeated_text, piece_text), max_size=4))
def test_counts_agree_with_python(documents):
    assert counted(documents) == [expected_counts(text) for text in documents]


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "\n",
        "\n\n",
        "\n \n",
        "\n\na",
        "a\n",
        "a\n\n\na\n\na",
        "a",
        "a b",
        "a b c",
        "a a a a",
        "b a a b b",
        "a\r\n\r\na",
        "\u3000\n\na\n\n\u3000",
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
    assert counted([" | ".join(halves)])[0][-1][0] == 0
    assert counted([" | ".join([halves[0]] * 2)])[0][-1][0] == len("abcdef")


@pytest.mark.parametrize("unit", ["a", "\n", " ", "a ", "a\n", "a\n\n", "the cat ", "\n\n\u3000"])
def test_huge_texts_take_linear_time(unit):
    text = unit * (2_000_000 // len(unit))
    counted(["warm"])
    begin = time.process_time()
    (found,) = counted([text])
    # 300 ns a byte; a quadratic pass over 2 MB would take many minutes
    assert time.process_time() - begin < 300e-9 * len(text.encode()) + 0.2
    assert found[0] == len(text)
    assert found[4] == len(re.split("\n+", text))
