"""Writes expected.jsonl: texts, and what Dolma's tagger gopher_v1 measures in them. README.md says how."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

from dolma.taggers.gopher import get_attributes

GOPHER = Path(__file__).parents[1] / "gopher" / "expected.jsonl"
Pieces = list[tuple[str, int]]


def gopher_rows() -> Iterator[tuple[str, Pieces]]:
    """The texts of the golden rows of Gopher: excerpts, thresholds and odd ones. The longest are left out."""
    for line in GOPHER.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        if sum(len(part) * count for part, count in row["pieces"]) < 100_000:
            yield row["name"], row["pieces"]


def own_rows() -> Iterator[tuple[str, Pieces]]:
    yield "stars, hyphens and bullets", [("* one\n - two\n-three\n• four\n*\n", 3), ("five…\nsix… \nseven...\n", 2)]
    yield "symbols in words", [("#one two# … t…o .. ... ## three ", 5)]
    yield "an even number of words", [("a bb ccc dddd ", 3)]
    yield "empty lines repeat", [("one\n\n\ntwo\n", 1)]
    yield "ten words three times", [("a b c d e f g h i j ", 3), ("k l m n o p q r s t u v", 1)]
    yield "lines that repeat thrice", [("the line\nanother line\n", 3), ("the end", 1)]
    yield "stop words again and again", [("the The of of, and\n", 4)]


def text_of(pieces: Pieces) -> str:
    return "".join(part * count for part, count in pieces)


def attributes(text: str) -> dict[str, object]:
    found = get_attributes(text)
    measured = dict(vars(found))
    for name in ("fraction_of_characters_in_most_common_ngram", "fraction_of_characters_in_duplicate_ngrams"):
        measured[name] = dict(measured[name])
    return measured


def main() -> None:
    for label, pieces in gopher_rows():
        sys.stdout.write(json.dumps({"name": label, "attributes": attributes(text_of(pieces))}) + "\n")
    for label, pieces in own_rows():
        row = {"name": label, "pieces": pieces, "attributes": attributes(text_of(pieces))}
        sys.stdout.write(json.dumps(row) + "\n")


if __name__ == "__main__":
    main()
