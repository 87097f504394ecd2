# ruff: noqa: RUF001 -- look-alike characters are what the rules are about
import math
import re
import string
import unicodedata
from collections import Counter

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from operators.quality.map_neo_counts import BULLETS, FOLD_ENDINGS, map_neo_counts

ALPHABET = '一二三更多展开.!。…？?;"#0１a_ 【】\n\r\u2028\x85•–－，（é①'


def by_definition(text: str) -> dict[str, float]:
    normal = unicodedata.normalize("NFKC", text)
    clean = re.sub(r"[^\w\s]", "", normal)
    lines = normal.splitlines()
    return {
        "num_chars": len(text),
        "num_normal_chars": len(normal),
        "num_bracketed_chars": sum(map(len, re.findall(r"【(.*?)】", normal))),
        "num_unpunctuated_chars": len(clean),
        "num_digits": sum(character.isdigit() for character in clean),
        "num_punctuation_marks": sum(character in string.punctuation for character in normal),
        "num_distinct_chars": len(set(normal)),
        "num_lines": len(lines),
        "num_bullet_lines": sum(line[:1] != "" and ord(line[0]) in BULLETS for line in lines),
        "num_folded_lines": sum(line.endswith(FOLD_ENDINGS) for line in lines),
        "entropy": -sum(n / len(normal) * math.log(n / len(normal)) for n in Counter(normal).values()),
        "num_words": len(clean.split()),
        "num_word_chars": sum(map(len, clean.split())),
        "num_sentences": sum(bool(piece.strip()) for piece in re.split(r'[.!…?;"]+', text)),
        "num_hash_runs": len(re.findall("#+", text)),
        "num_ellipses": len(re.findall("…+", text)) + len(re.findall(r"\.{2,}", text)),
    }


def counted(texts: list[str]) -> list[dict[str, float]]:
    counts = map_neo_counts(pa.array(texts, pa.large_string()), "whitespace")._asdict()
    return [{name: values[d] for name, values in counts.items()} for d in range(len(texts))]


@settings(deadline=None, derandomize=True, max_examples=300)
@given(st.lists(st.text(st.sampled_from(ALPHABET), max_size=40), max_size=4))
def test_counts_are_those_of_the_definitions(texts):
    for found, text in zip(counted(texts), texts, strict=True):
        assert found == by_definition(text)


def test_endings_of_lines():
    (found,) = counted(["readmore\nRead more\n更多\n。。。\n更多 \n展开"])
    assert (found["num_folded_lines"], found["num_lines"]) == (4, 6)


def test_words_are_those_of_the_unit():
    counts = map_neo_counts(pa.array(["我来到北京清华大学。", ""], pa.large_string()), "jieba")
    np.testing.assert_array_equal([counts.num_words, counts.num_word_chars], [[4, 0], [9, 0]])
