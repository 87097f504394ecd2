# ruff: noqa: RUF001 -- look-alike characters are what the odd rows are about
"""Writes expected.jsonl: texts, and what datatrove's filters measure and decide. README.md says how."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import datatrove.pipeline.filters.fineweb_quality_filter as fineweb
import datatrove.pipeline.filters.gopher_quality_filter as quality
import datatrove.pipeline.filters.gopher_repetition_filter as repetition
import yaml
from datatrove.data import Document
from datatrove.utils.text import TERMINAL_PUNCTUATION, split_into_words

PEPS = Path(__file__).parents[1] / "gopher" / "expected.jsonl"
Pieces = list[tuple[str, int]]


def name(k: int, length: int) -> str:
    """The k-th of distinct words of `length` letters."""
    digits = ""
    while k or not digits:
        digits, k = chr(ord("a") + k % 26) + digits, k // 26
    assert len(digits) < length
    return "z" + digits.rjust(length - 1, "a")


def peps() -> Iterator[tuple[str, Pieces]]:
    for line in PEPS.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        if row["name"].startswith("pep-"):
            yield row["name"], row["pieces"]


def lines_text(num_terminal: int, num_lines: int, words: int = 5, letters: int = 9) -> str:
    """Distinct lines of `words` distinct words, the first of them with a full stop, which is a word of its own."""
    lines = []
    for k in range(num_lines):
        line = " ".join(name(k * words + w, letters) for w in range(words))
        lines.append(line + "." if k < num_terminal else line)
    return "\n".join(lines)


def duplicate_text(num_chars: int) -> str:
    """A line of 100 characters twice, among others, with so many characters beside line feeds."""
    line = " ".join(name(k, 9) for k in range(10)) + "."
    assert len(line) == 100
    filler = " ".join(name(k, 9) for k in range(1000))[: num_chars - 2 * len(line) - 1].rstrip()
    filler += "x" * (num_chars - 2 * len(line) - 1 - len(filler)) + "."
    return f"{line}\n{filler}\n{line}"


def fineweb_rows() -> Iterator[tuple[str, Pieces]]:
    yield "empty_text: inside", [("the only line of this text, which is long enough.", 1)]
    yield "empty_text: outside", [(" \n\u3000\n\t", 1)]
    yield "too_few_terminal_lines: inside", [(lines_text(3, 25), 1)]
    yield "too_few_terminal_lines: outside", [(lines_text(2, 17), 1)]
    short, long = "letters here {}.\n", "the letters of a line that has more than thirty {}.\n"
    rows = [short.format(name(k, 9)) for k in range(68)], [long.format(name(k, 9)) for k in range(33)]
    yield "too_many_short_lines: inside", [("".join([*rows[0][:67], *rows[1]]), 1)]
    yield "too_many_short_lines: outside", [("".join([*rows[0], *rows[1][:32]]), 1)]
    exact = "a line of thirty characters {}\n"
    assert len(exact.format("a.")) == 31
    yield (
        "too_many_short_lines: as long as a short line may be",
        [("".join(exact.format(chr(ord("a") + k) + ".") for k in range(20)), 1)],
    )
    yield "duplicate_line_chars: inside", [(duplicate_text(10_000), 1)]
    yield "duplicate_line_chars: outside", [(duplicate_text(9_999), 1)]
    # 31 lines, so 30 line feeds; 93 words and 4 full stops, and three words more or two
    words = lines_text(4, 31, 3, 15)
    yield "too_many_newlines: inside", [(words + " and so on", 1)]
    yield "too_many_newlines: outside", [(words + " and so", 1)]


def odd_rows() -> Iterator[tuple[str, Pieces]]:
    texts = {
        "empty": "",
        "one space": " ",
        "one word": "word",
        "one mark": ".",
        "whitespace": " \t\n\u2003\n\n \r\n\u2028\u00a0",
        "a mark behind a quotation mark": 'He said "so it ends."\nThey said (so it ends.)\nso it ends. \n',
        "carriage returns": "the line of text ends.\r\nanother line of text ends.\r\n",
        "marks of other scripts": "语言模型需要大量的文本。\nهل هذا نص؟\nयह अंत है।\nso it ends．\nit does not end；\n",
        "ellipses": "so it ends...\nso it ends…\n",
        "separators are no lines": "one\u2028two\u2029three\x85four.",
        "blank lines": "the first line.\n\n\n  \n\u3000\nthe last line.",
        "duplicated blank lines": " \n \n \nthe line.\n \n",
        "the line of text.": "the line of text.\n" * 10,
        "list": "one\ntwo\nthree\nfour\nfive.\n" * 3,
    }
    for label, text in texts.items():
        yield f"odd: {label}", [(text, 1)]


def mandarin_rows() -> Iterator[tuple[str, Pieces]]:
    """Texts of words between spaces, held against FineWeb-2's settings for Mandarin."""
    words = [chr(0x4E2D + k) + chr(0x5B57 + k) for k in range(200)]
    text = " ".join(["的 年", *words[:98]]) + "。"
    yield "mandarin: kept", [(text, 1)]
    yield "mandarin: one stop word", [(text.replace("年", "念"), 1)]
    yield "mandarin: without a mark", [(text.rstrip("。"), 1)]
    yield "mandarin: few words", [(" ".join(["的 年", *words[:47]]) + "。", 1)]
    yield "mandarin: long words", [(" ".join(["的 年", *(word * 3 for word in words[:98])]) + "。", 1)]
    yield "mandarin: digits", [(text + " 12" * 40, 1)]
    yield "mandarin: duplicate lines", [(text + "\n的。" * 5, 1)]
    yield (
        "mandarin: duplicate characters",
        [(text + "\n" + " ".join(words[100:120]) + "。\n" + text[:58] + "。\n" + text, 1)],
    )
    yield "mandarin: many lines", [("\n".join(["的 年", *words[:98]]) + "。", 1)]
    yield "mandarin: a pair of words again and again", [(" ".join(f"{word} 的 年" for word in words[:60]) + "。", 1)]
    yield "mandarin: ten words twice", [(" ".join([*words[:60], "的 年", *words[:60]]) + "。", 1)]
    yield "mandarin: hashes", [(text.replace(" ", " #", 12), 1)]
    yield "mandarin: whitespace", [(" \n\u3000", 1)]
    yield "mandarin: empty", [("", 1)]


def statistics(text: str) -> dict[str, int]:
    lines = [line for line in text.split("\n") if line.strip()]
    return {
        "num_chars": len(text),
        "num_newlines": text.count("\n"),
        "num_text_lines": len(lines),
        "num_terminal_text_lines": sum(line.endswith(tuple(TERMINAL_PUNCTUATION)) for line in lines),
        "num_short_text_lines": sum(len(line) <= 30 for line in lines),
        "duplicate_text_line_chars": repetition.find_duplicates(lines)[1],
        "num_words": len(split_into_words(text, "en")),
    }


def decision(result: bool | tuple[bool, str]) -> str | None:
    """The rule that drops the document; None where it is kept."""
    return None if result is True else result[1]


def attempt(judge: object, document: Document) -> str | None:
    """The decision; where the filter divides by a number of words that is 0, the error's name."""
    try:
        return decision(judge.filter(document))
    except ZeroDivisionError as error:
        return type(error).__name__


def mandarin_filters(config: dict) -> list[object]:
    """The filters of fineweb-2-pipeline.py."""
    return [
        repetition.GopherRepetitionFilter(
            dup_para_frac=0,
            dup_line_char_frac=0,
            dup_para_char_frac=0,
            dup_line_frac=config["dup_line_frac"],
            top_n_grams=config["top_n_grams"],
            dup_n_grams=config["dup_n_grams"],
        ),
        fineweb.FineWebQualityFilter(
            short_line_thr=999,
            char_duplicates_ratio=0.1,
            line_punct_thr=config["line_punct_thr"],
            new_line_ratio=config["new_line_ratio"],
        ),
        quality.GopherQualityFilter(
            max_avg_word_length=config["max_avg_word_length"],
            min_avg_word_length=config["min_avg_word_length"],
            stop_words=config["stopwords"],
            max_non_alpha_words_ratio=config["max_non_alpha_words_ratio"],
            min_stop_words=2,
        ),
    ]


def main() -> None:
    english = {
        "fineweb": fineweb.FineWebQualityFilter(),
        "quality": quality.GopherQualityFilter(),
        "repetition": repetition.GopherRepetitionFilter(),
    }
    for label, pieces in [*peps(), *fineweb_rows(), *odd_rows()]:
        text = "".join(part * count for part, count in pieces)
        dropped_by = {key: attempt(judge, Document(text=text, id=label)) for key, judge in english.items()}
        row = {"name": label, "statistics": statistics(text), "dropped_by": dropped_by}
        if not label.startswith("pep-"):
            row["pieces"] = pieces
        sys.stdout.write(json.dumps(row) + "\n")
    config = yaml.safe_load(Path(sys.argv[1]).read_text(encoding="utf-8"))
    for module in (fineweb, quality, repetition):
        module.split_into_words = lambda text, _language: text.split()
    filters = mandarin_filters(config)
    for label, pieces in mandarin_rows():
        text = "".join(part * count for part, count in pieces)
        decisions = (attempt(judge, Document(text=text, id=label)) for judge in filters)
        row = {"name": label, "pieces": pieces, "dropped_by": {"fineweb2": next(filter(None, decisions), None)}}
        sys.stdout.write(json.dumps(row) + "\n")


if __name__ == "__main__":
    main()
