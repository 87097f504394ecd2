# ruff: noqa: RUF001 -- look-alike characters are what the rows are about
"""Writes expected.jsonl: texts, and the words that datatrove's English splitter finds in them. README.md says how."""

import itertools
import json
from collections.abc import Iterator
from pathlib import Path

from datatrove.utils.text import split_into_sentences
from datatrove.utils.word_tokenizers import load_word_tokenizer

GOPHER_ROWS = Path(__file__).parents[1] / "gopher" / "expected.jsonl"
"""Its excerpts of PEPs are read here, too."""

CORES = (
    "don't", "Don’t", "it's", "John's", "cannot", "U.S.", "U.S.A.", "e.g.", "i.e", "Mr.", "10km", "5km/h", "$5.00",
    "3.5%", "1,000", "a/b", "and/or", "w/o", "x--y", "x-y-z", "1-2", "2^-3", "a.B", "ab.B", "ab.b", "foo_bar()", "f(x)",
    "[1]", "c++", "C++", ":-)", ":)", "8)", "<3", "o.O", "...", "..", "…", "http://example.com/a-b/C.D", "a@b.com",
    "www.example.com:80", "10.0.0.1/x", "8.8.8.8/x", "--flag", "-x", "a=b", "a<b", "x,y", "NASA", "'tis", "'em", "''",
    "\\n", "20°C", "5°F.", "1st", "10am", "5p.m.", "I'm", "we'll've", "Ima", "café", "naïve-ish", "漢字、漢字。",
    "日本.Tokyo", "Привет,мир", "☃x☃", "👍🏽", "«a»", "#tag", "*a*", "~a", "=>", "!=", "(=", "`a`", "a''b", "a:b",
    "12:30", "1/2", "1/a", "US$5",
)  # fmt: skip
BEFORE = ("", "(", '"', "'", "“", "**", "$", "-")
BEHIND = ("", ".", ",", ")", '."', ").", "'s", "!?", ":)", "…")


def rows() -> Iterator[tuple[str, str]]:
    """Names and texts."""
    for before in BEFORE:
        for half in (CORES[::2], CORES[1::2]):
            chunks = (before + core + behind for core, behind in itertools.product(half, BEHIND))
            yield f"chunks behind {before!r}", "\n".join(chunks)
    yield "whitespace", " a  b\n\n c.\t d.\u00a0e\u2003f. \r\n g.  ) h? i\u3000\n"
    for line in GOPHER_ROWS.read_text().splitlines():
        row = json.loads(line)
        if row["name"].startswith("pep-") and int(row["name"][4:]) % 3 == 0:
            yield row["name"], row["pieces"][0][0]


def main() -> None:
    tokenizer = load_word_tokenizer("en")
    with Path(__file__).with_name("expected.jsonl").open("w") as file:
        for name, text in rows():
            lines = [line.strip() for line in text.splitlines() if line.strip()]
            row = {
                "name": name,
                "text": text,
                "words": " ".join(tokenizer.word_tokenize(text)),
                "sentences": [len(split_into_sentences(line, "en")) for line in lines],
            }
            file.write(json.dumps(row, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
