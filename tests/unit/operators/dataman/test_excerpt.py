"""Excerpts against what the authors' own functions made, and by small tokenizers whose tokens are known."""

import base64
import hashlib
import importlib.util
import json
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers

from operators.dataman.excerpt import ExcerptLimits, cleaned, excerpts

VECTORS = Path(__file__).parents[5] / "shared" / "vectors"
QWEN_PIECES = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
PUBLISHED = ExcerptLimits(max_tokens=1_894, max_chars=20_000, ellipsis="...")


def vectors(name: str) -> list[dict]:
    path = VECTORS / name
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []


def letters() -> Tokenizer:
    """A token a character."""
    tokenizer = Tokenizer(models.WordLevel({chr(code): code for code in range(0x3000)}, unk_token="\0"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(r"[\s\S]"), "isolated")
    tokenizer.decoder = decoders.Fuse()
    return tokenizer


@cache
def qwen() -> Tokenizer:
    """The tokenizer of Qwen, from the ranks that another package ships."""
    found = importlib.util.find_spec("dashscope")
    if found is None or found.origin is None:
        pytest.skip("needs Qwen's vocabulary: pip install --no-deps dashscope==2.0.2")
    lines = (Path(found.origin).parent / "resources" / "qwen.tiktoken").read_text().splitlines()
    ranks = {base64.b64decode(token): int(rank) for token, rank in (line.split() for line in lines)}
    shown = byte_characters()

    def write(piece: bytes) -> str:
        return "".join(shown[byte] for byte in piece)

    merges = [tuple(map(write, halves(token, ranks))) for token in ranks if len(token) > 1]
    tokenizer = Tokenizer(models.BPE({write(token): rank for token, rank in ranks.items()}, merges))
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(QWEN_PIECES), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def byte_characters() -> list[str]:
    """What byte-level tokenizers write for each byte."""
    plain = [*range(ord("!"), ord("~") + 1), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = iter(range(0x100, 0x200))
    return [chr(byte) if byte in plain else chr(next(others)) for byte in range(256)]


def halves(token: bytes, ranks: dict[bytes, int]) -> list[bytes]:
    """The two tokens that a token is merged from: what merges of lower rank leave of it."""
    parts = [bytes([byte]) for byte in token]
    while len(parts) > 2:
        pairs = [ranks.get(parts[place] + parts[place + 1], len(ranks)) for place in range(len(parts) - 1)]
        best = min(range(len(pairs)), key=pairs.__getitem__)
        parts[best : best + 2] = [parts[best] + parts[best + 1]]
    return parts


@pytest.mark.skipif(not VECTORS.exists(), reason="needs ../shared/vectors")
@pytest.mark.parametrize("vector", vectors("dataman_regex_oracle.jsonl"), ids=lambda vector: ascii(vector["text"]))
def test_cleaning_is_that_of_the_authors(vector):
    assert cleaned(vector["text"]) == vector["expected"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('"..." a', " a"),
        ('"…" a', " a"),
        ('"...... a', '"...... a'),
        ('".." a', '".." a'),
        ('a\n"..." b', 'a\n"..." b'),
        ("![](x)\n![](y)\nz", "z"),
        ("![](x)", "![](x)"),
        ("![]()\nz", "![]()\nz"),
        ("![alt](x)\nz", "![alt](x)\nz"),
        ("![](![](x)\nz", "z"),
        ("![](x)y![](z)\n", "![](x)y"),
        ("a![](x)\n", "a"),
        ("![](\n\n)\na", "a"),
    ],
)
def test_what_is_cleaned(text, expected):
    assert cleaned(text) == expected


@given(st.lists(st.sampled_from(["![](", ")", "\n", "a", ")\n", "![]"]), max_size=14).map("".join))
def test_images_are_removed_as_a_reader_from_left_to_right_would(text):
    """The rule by hand: at each place either a whole image stands, or one character."""

    def by_hand(place: int) -> Iterator[str]:
        while place < len(text):
            close = text.find(")", place)
            is_image = text.startswith("![](", place) and close > place + 4 and text.startswith(")\n", close)
            if is_image:
                place = close + 2
            else:
                yield text[place]
                place += 1

    assert cleaned(text) == "".join(by_hand(0))


@pytest.mark.parametrize("text", ["![](" * 200_000, "![](" * 200_000 + ")", "![](a)b" * 200_000, '"' + "." * 800_000])
def test_cleaning_is_linear(text):
    begin = time.perf_counter()
    assert cleaned(text) == text
    assert time.perf_counter() - begin < 5


@pytest.mark.skipif(not VECTORS.exists(), reason="needs ../shared/vectors")
@pytest.mark.parametrize("vector", vectors("dataman_truncation.jsonl"), ids=lambda vector: vector["name"])
def test_excerpts_are_those_of_the_released_rule(vector):
    if "text" in vector:
        text = vector["text"]
    else:
        documents = vectors("dataman_annotations.jsonl")
        text = vector["join"].join(documents[row]["text"] for row in vector["text_refs"])
    limits = ExcerptLimits(vector["truncate_max_length"], vector["char_truncate_max_length"], "...")
    [excerpt] = excerpts([text], qwen(), limits)
    assert excerpt.is_truncated == (vector["truncated"] or vector["chars"] > limits.max_chars)
    assert len(excerpt.text) == vector["result_chars"]
    assert hashlib.sha256(excerpt.text.encode()).hexdigest()[:16] == vector["result_sha256_16"]


@pytest.mark.parametrize(
    ("text", "max_tokens", "max_chars", "expected"),
    [
        ("abcdef", 6, 6, "abcdef"),
        ("abcdef", 4, 6, "ab...ef"),
        ("abcdef", 5, 6, "ab...def"),
        ("abcdef", 6, 4, "abef"),
        ("abcdef", 6, 5, "abdef"),
        ("abcdef", 2, 4, "a...f"),
        (" abcdef ", 6, 20, "ab...ef"),
        ("  ab ", 9, 9, "ab"),
        ("", 9, 9, ""),
        ('"..."', 9, 9, ""),
    ],
)
def test_head_and_tail(text, max_tokens, max_chars, expected):
    [excerpt] = excerpts([text], letters(), ExcerptLimits(max_tokens, max_chars, "..."))
    assert excerpt.text == expected
    assert excerpt.is_truncated == (len(cleaned(text)) > min(max_tokens, max_chars))


@given(st.lists(st.text("ab c", max_size=30), max_size=5), st.integers(2, 12), st.integers(2, 12))
def test_an_excerpt_depends_on_its_text_alone(texts, max_tokens, max_chars):
    limits = ExcerptLimits(max_tokens, max_chars, "…")
    together = excerpts(texts, letters(), limits)
    assert together == [excerpts([text], letters(), limits)[0] for text in texts]
    for excerpt in together:
        assert len(excerpt.text) <= max_tokens + 1


def test_the_published_limits_leave_a_web_page_whole():
    [excerpt] = excerpts(["word " * 300], letters(), PUBLISHED)
    assert excerpt.text == ("word " * 300).strip()
    assert not excerpt.is_truncated
