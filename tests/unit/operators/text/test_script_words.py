# ruff: noqa: RUF001 -- look-alike characters are what the rules are about
import itertools
import unicodedata

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from operators.text.characters import character_classes, document_text
from operators.text.script_words import MARK, OTHER, SINGLE, script_breaks, script_kinds
from operators.text.split_words import scan_split_words, split_words_for
from operators.text.whitespace_words import word_hashes


def parted(text: str) -> list[str]:
    data = text.encode()
    ends = [0, *script_breaks(pa.array([text], pa.large_string())).tolist(), len(data)]
    return [word for begin, end in itertools.pairwise(ends) for word in data[begin:end].decode().split()]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("我爱Linux。", "我 爱 Linux 。"),
        ("コンピューターを使う人々", "コンピューター を 使 う 人 々"),
        ("ｺﾝﾋﾟｭｰﾀｰ", "ｺﾝﾋﾟｭｰﾀｰ"),
        ("か\u3099き が", "か\u3099 き が"),
        ("テスト・ケース", "テスト ・ ケース"),
        ("สวัสดีครับ", "ส วั ส ดี ค รั บ"),
        ("ភាសាខ្មែរ", "ភា សា ខ្ មែ រ"),
        ("မြန်မာ", "မြ န် မာ"),
        ("ວຽກ 12", "ວ ຽ ກ 12"),
        ("版本3.14,(旧)", "版 本 3.14,( 旧 )"),
        ("한국어 문장이다.", "한국어 문장이다."),
        ("１２℃，全角", "１２℃ ， 全 角"),
        ("葛\U000e0100城 a\u0301b", "葛\U000e0100 城 a\u0301b"),
        ("", ""),
    ],
)
def test_words_by_script(text, words):
    assert parted(text) == words.split()


@settings(deadline=None, derandomize=True)
@given(st.text(st.characters(max_codepoint=0xDFF, exclude_categories=["Cs"])))
def test_without_these_scripts_words_are_those_of_split(text):
    assert parted(text) == text.split()


@settings(deadline=None, derandomize=True)
@given(st.lists(st.text(st.sampled_from("a1 \n我カーか\u3099กำ。é"))))
def test_words_of_a_batch_are_those_of_its_texts(texts):
    batch = pa.array(texts, pa.large_string())
    data, offsets = document_text(batch)
    breaks = script_breaks(batch)
    for text, begin, end in zip(texts, offsets[:-1], offsets[1:], strict=True):
        words = split_words_for(int(end - begin))
        num_words = scan_split_words(data, np.uintp(begin), np.uintp(end), character_classes(), breaks, words)
        assert words.hashes[:num_words].tolist() == [int(word_hashes((word,))[0]) for word in parted(text)]


def test_kinds_agree_with_the_unicode_data():
    kinds = script_kinds()
    for code in range(0x3400, 0xA000):
        assert (kinds[code] == SINGLE) == unicodedata.name(chr(code), "").startswith("CJK UNIFIED"), hex(code)
    assert kinds[ord("ー")] == kinds[ord("カ")]
    assert kinds[0x0301] == MARK
    assert kinds[ord("한")] == kinds[ord("5")] == kinds[ord("๕")] == OTHER
