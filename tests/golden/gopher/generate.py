# ruff: noqa: RUF001 -- look-alike characters are what the odd rows are about
"""Writes expected.jsonl: texts, and what datatrove's Gopher filters measure and decide. README.md says how."""

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import datatrove.pipeline.filters.gopher_quality_filter as quality
import datatrove.pipeline.filters.gopher_repetition_filter as repetition
from datatrove.data import Document
from datatrove.utils.text import PUNCTUATION_SET

EXCERPT_BYTES = 3500
Pieces = list[tuple[str, int]]


def split_at_whitespace(text: str, _language: str) -> list[str]:
    return text.split()


quality.split_into_words = split_at_whitespace
repetition.split_into_words = split_at_whitespace


def excerpts(folder: Path) -> Iterator[tuple[str, Pieces]]:
    """Every twelfth PEP: by turns its beginning, and what follows its first third."""
    for k, path in enumerate(sorted(folder.glob("pep-[0-9]*.rst"))[::12]):
        raw = path.read_bytes()
        begin = 0 if k % 2 == 0 else len(raw) // 3
        yield path.stem, [(raw[begin : begin + EXCERPT_BYTES].decode("utf-8", "ignore"), 1)]


def name(k: int, length: int) -> str:
    """The k-th of distinct words of `length` letters."""
    digits = ""
    while k or not digits:
        digits, k = chr(ord("a") + k % 26) + digits, k // 26
    assert len(digits) < length
    return "z" + digits.rjust(length - 1, "a")


def quality_rows() -> Iterator[tuple[str, Pieces]]:
    stop = ("the of ", 1)
    yield "too_few_words: inside", [stop, ("letters ", 48)]
    yield "too_few_words: outside", [stop, ("letters ", 47), ("### ", 3)]
    yield "too_many_words: inside", [stop, ("letters ", 99_998), ("-- ", 3)]
    yield "too_many_words: outside", [stop, ("letters ", 99_999)]
    yield "words_too_short: inside", [("the ", 50), ("and ", 50)]
    yield "words_too_short: outside", [("the ", 50), ("and ", 49), ("of", 1)]
    yield "words_too_long: inside", [("the and ", 1), ("abcdefghij ", 96), ("abcdefghijklmnopq ", 2)]
    yield "words_too_long: outside", [("the and ", 1), ("abcdefghij ", 96), ("abcdefghijklmnopq ", 1), ("b" * 18, 1)]
    yield "too_many_hashes: inside", [stop, ("letters ", 88), ("#word ", 10)]
    yield "too_many_hashes: outside", [stop, ("letters ", 87), ("##word ", 1), ("#word ", 9), ("end", 1)]
    yield "too_many_ellipses: inside", [stop, ("letters ", 88), ("more... ", 9), ("more…", 1), (" ..", 1), (" end", 9)]
    yield "too_many_ellipses: outside", [stop, ("letters ", 88), ("more...... ", 5), ("more… ", 1), ("end ", 4)]
    lines = "alpha beta gamma delta epsilon\n"
    yield (
        "too_many_bullet_lines: inside",
        [("- the letters of this\n", 45), ("  • the letters of that\n", 45), (lines, 10)],
    )
    yield "too_many_bullet_lines: outside", [("-the letters of\n", 46), ("\t•the letters of\n", 45), (lines, 9)]
    yield "too_many_ellipsis_lines: inside", [("the end of this line is soon here now...\n", 3), (lines, 7)]
    yield (
        "too_many_ellipsis_lines: outside",
        [("the end of this line is soon here now... \n", 2), ("the end of this line is soon here now…\n", 1),
         ("the end of this line is soon here now....\n", 1), (lines, 6)],
    )  # fmt: skip
    yield "too_few_alphabetic_words: inside", [stop, ("letters ", 78), ("1234 ", 20)]
    yield "too_few_alphabetic_words: outside", [stop, ("letters ", 77), ("1234 ", 21)]
    yield "too_few_stop_words: inside", [("with that ", 1), ("letters ", 98)]
    yield "too_few_stop_words: outside", [("the the The Of of, ", 1), ("letters ", 98)]


def padded(parts: list[str], num_fillers: int, num_chars: int, separator: str) -> list[str]:
    """Distinct filler words, so that `parts` and they, joined by `separator`, have `num_chars` characters."""
    free = num_chars - sum(map(len, parts)) - len(separator) * (len(parts) + num_fillers - 1)
    lengths = [free // num_fillers + (k < free % num_fillers) for k in range(num_fillers)]
    return [name(k, length) for k, length in enumerate(lengths)]


def pieces_text(num_repeated: int, repeated_chars: int, num_fillers: int, num_chars: int, separator: str) -> str:
    """Single words as pieces, `num_repeated` of them twice, the second time in reverse so that no n-gram repeats."""
    repeated = ["q" + name(k, repeated_chars - 1) for k in range(num_repeated)]
    fillers = padded(repeated * 2, num_fillers, num_chars, separator)
    return separator.join([*repeated, *fillers, *reversed(repeated)])


def ngrams_text(ngrams: list[str], num_chars: int) -> str:
    """The n-grams, each followed by a word that occurs once."""
    fillers = padded(ngrams, len(ngrams), num_chars, " ")
    return " ".join(part for pair in zip(ngrams, fillers, strict=True) for part in pair)


def repetition_rows() -> Iterator[tuple[str, Pieces]]:
    for rule, separator in (("duplicate_paragraphs", "\n\n"), ("duplicate_lines", "\n")):
        yield f"{rule}: inside", [(pieces_text(30, 5, 40, 2000, separator), 1)]
        yield f"{rule}: outside", [(pieces_text(31, 5, 38, 2000, separator), 1)]
        yield f"{rule[:-1]}_chars: inside", [(pieces_text(20, 10, 27, 1000, separator), 1)]
        yield f"{rule[:-1]}_chars: outside", [(pieces_text(20, 10, 27, 999, separator), 1)]
    for n, count, num_chars in ((2, 40, 1000), (3, 45, 2000), (4, 40, 2750)):
        ngram = " ".join(["ab", "cd", "ef", "gh"][:n])
        yield f"top_{n}_word_ngram: inside", [(ngrams_text([ngram] * count, num_chars), 1)]
        yield f"top_{n}_word_ngram: outside", [(ngrams_text([ngram] * count, num_chars - 1), 1)]
    for n, count, num_chars in (
        (5, 15, 1000),
        (6, 14, 1200),
        (7, 13, 1400),
        (8, 9, 1200),
        (9, 11, 1800),
        (10, 6, 1200),
    ):
        words = [chr(ord("a") + k // 26) + chr(ord("a") + k % 26) for k in range(n * count)]
        ngrams = [" ".join(words[k : k + n]) for k in range(0, n * count, n)]
        yield f"duplicate_{n}_word_ngrams: inside", [(ngrams_text(ngrams * 2, num_chars), 1)]
        yield f"duplicate_{n}_word_ngrams: outside", [(ngrams_text(ngrams * 2, num_chars - 1), 1)]


def odd_rows() -> Iterator[tuple[str, Pieces]]:
    texts = {
        "empty": "",
        "one space": " ",
        "whitespace": " \t\n\u2003\n\n \r\n\u2028\u00a0",
        "one newline": "\n",
        "newlines": "\n\n\n\n",
        "newlines around": "\n\nthe text\n\n\n",
        "combining marks alone": "\u0301\u0301 \u0301\n\u0301",
        "combining marks": "cafe\u0301 nai\u0308ve \u0e01\u0e34\u0e19 \u0915\u094d\u0937 the of " * 12,
        "line breaks of every kind": "a...\r\nof b…\rto\x0b- c\x0c• d\x1ce\x1df\x1eg\x85h...\u2028 - i…\u2029- j...\n",
        "carriage returns": "the line of text\r\n\r\nthe line of text\r\n\r\nthe line of text",
        "symbols": "!!! ??? ... -- ， 。 １ ١ « » \u0964 " * 10,
        "full-width digit one": "１ １１ 1 １2 " * 20,
        "stops": ". .. ... .... ..... ...... .\u2026. \u2026\u2026\n...\n \u2026 \n.. .\n",
        "letters beyond the basic plane": "\U00020000\U0001d400 \U00030000 \U0001f600 the of " * 15,
        "Chinese": "语言模型需要大量的文本。文本来自网络，质量参差不齐……\n" * 5,
        "Arabic": "هذا نص باللغة العربية؟ وهو قصير جدا۔\n" * 12,
        "same word": "the " * 60,
        "overlapping n-grams": "of the " * 40,
        "paragraphs with three newlines": "one two\n\n\nthree four\n\n\n\none two\n\nfive\nsix\n\none two\n",
        "NUL": "the\0of \0 \0\0 and\n\0\n" * 20,
    }  # fmt: skip
    for label, text in texts.items():
        yield f"odd: {label}", [(text, 1)]


def quality_statistics(text: str) -> dict[str, int]:
    words = text.split()
    content = [word for word in words if any(character not in PUNCTUATION_SET for character in word)]
    lines = text.splitlines()
    return {
        "num_words": len(words),
        "num_content_words": len(content),
        "content_chars": sum(map(len, content)),
        "num_alphabetic_words": sum(any(map(str.isalpha, word)) for word in words),
        "num_stop_words": len(set(quality.STOP_WORDS) & set(words)),
        "num_hashes": text.count("#"),
        "num_ellipses": text.count("...") + text.count("…"),
        "num_lines": len(lines),
        "num_bullet_lines": sum(line.lstrip().startswith(("•", "-")) for line in lines),
        "num_ellipsis_lines": sum(line.rstrip().endswith(("...", "…")) for line in lines),
    }


def repetition_statistics(text: str) -> dict[str, int | list[int]]:
    words = text.split()
    paragraphs = re.split(r"\n{2,}", text.strip())
    lines = re.split("\n+", text)
    duplicate_paragraphs, paragraph_chars = repetition.find_duplicates(paragraphs)
    duplicate_lines, line_chars = repetition.find_duplicates(lines)
    ngrams = [repetition.get_n_grams(words, n) for n in (2, 3, 4)]
    return {
        "num_chars": len(text),
        "num_paragraphs": len(paragraphs),
        "num_duplicate_paragraphs": duplicate_paragraphs,
        "duplicate_paragraph_chars": paragraph_chars,
        "num_lines": len(lines),
        "num_duplicate_lines": duplicate_lines,
        "duplicate_line_chars": line_chars,
        "top_ngram_chars": [repetition.find_top_duplicate(found) if found else 0 for found in ngrams],
        "duplicate_ngram_chars": [repetition.find_all_duplicate(words, n) for n in range(5, 11)],
    }


def decision(result: bool | tuple[bool, str]) -> str | None:
    """The rule that drops the document; None where it is kept."""
    return None if result is True else result[1]


def main() -> None:
    rows = [*excerpts(Path(sys.argv[1])), *quality_rows(), *repetition_rows(), *odd_rows()]
    quality_filter = quality.GopherQualityFilter()
    repetition_filter = repetition.GopherRepetitionFilter()
    for label, pieces in rows:
        text = "".join(part * count for part, count in pieces)
        document = Document(text=text, id=label)
        row = {
            "name": label,
            "pieces": pieces,
            "quality": quality_statistics(text),
            "quality_dropped_by": decision(quality_filter.filter(document)),
            "repetition": repetition_statistics(text),
            "repetition_dropped_by": decision(repetition_filter.filter(document)),
        }
        sys.stdout.write(json.dumps(row) + "\n")


if __name__ == "__main__":
    main()
