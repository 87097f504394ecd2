"""Writes expected.jsonl: texts, and what datatrove's C4 filters make of them. README.md says how."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import xxhash
from datatrove.data import Document
from datatrove.pipeline.filters.c4_filters import C4ParagraphFilter, C4QualityFilter

GOPHER = Path(__file__).parents[1] / "gopher" / "expected.jsonl"
MAX_TEXT_CHARS = 300
"""Longer results are stored as their digest."""

FILTERS = {
    "c4": C4QualityFilter(),
    "lines": C4QualityFilter(min_num_sentences=-1),
    "fineweb": C4QualityFilter(filter_no_terminal_punct=False),
    "fineweb_lines": C4QualityFilter(filter_no_terminal_punct=False, min_num_sentences=-1),
    "line_rules_alone": C4QualityFilter(
        min_num_sentences=-1, filter_lorem_ipsum=False, filter_curly_bracket=False, remove_citations=False
    ),
    "paragraphs": C4ParagraphFilter(),
}
PROSE = "We walked to the old mill. It stood by the river! Was it open? No one knew. They waited.\n"
Pieces = list[tuple[str, int]]


def threshold_rows() -> Iterator[tuple[str, Pieces]]:
    yield "long_word: inside", [(PROSE, 1), ("a word of ", 1), ("x", 999), (".", 1)]
    yield "long_word: outside", [(PROSE, 1), ("a word of ", 1), ("x", 1000), (".", 1)]
    yield "long_word: inside, two bytes a letter", [(PROSE, 1), ("a word of ", 1), ("é", 999), (".", 1)]
    yield "long_word: outside, two bytes a letter", [(PROSE, 1), ("a word of ", 1), ("é", 1000), (".", 1)]
    yield "too_few_words: inside", [(PROSE, 1), ("one two three.", 1)]
    yield "too_few_words: outside", [(PROSE, 1), ("one two.", 1)]
    yield "too_few_sentences: inside", [("This is a sentence.\n", 5)]
    yield "too_few_sentences: outside", [("This is a sentence.\n", 4)]
    yield "too_few_paragraphs: inside", [("x", 200), ("\n", 1), ("y", 200), ("\n", 1), ("z", 200)]
    yield "too_few_paragraphs: outside", [("x", 200), ("\n", 1), ("y", 199), ("\n", 1), ("z", 200)]
    yield "too_few_paragraphs: outside, two bytes a letter", [("é", 200), ("\n", 1), ("é", 199), ("\n", 1), ("z", 200)]
    yield "lorem_ipsum: outside", [(PROSE, 1), ("Then comes lorem ipsum dolor.\n", 1)]
    yield "lorem_ipsum: inside", [(PROSE, 1), ("Then comes lorem  ipsum dolor.\n", 1)]
    yield "curly_bracket: outside", [(PROSE, 1), ("Then comes a { bracket.\n", 1)]
    yield "curly_bracket: inside", [(PROSE, 1), ("Then comes a } bracket.\n", 1)]


def line_rows() -> Iterator[tuple[str, Pieces]]:
    for mark in (".", "?", "!", '"', "'", "...", "....", "…", "。", ",", ". ", ". [1]", ".[12]", ".[edit]", ".)"):
        yield f"line ends with {mark!r}", [(PROSE, 1), (f"one two three{mark}\n", 1), (PROSE, 1)]
    for citation in (
        "[]",
        "[1]",
        "[٣٤]",
        "[1a]",
        "[edit]",
        "[Edit]",
        "[citation needed]",
        "[citation",
        "[[1]]",
        "[1",
        "[",
    ):
        yield f"citation {citation!r}", [(PROSE, 1), (f"one{citation} two three{citation}{citation}.\n", 1)]
    yield "citations alone", [("[1] [2] [3]\n", 1), (PROSE, 1), ("[1] [2] [3]", 1)]
    yield "citation parts a phrase", [(PROSE, 1), ("the java[1]script and the use c[edit]ookies.\n", 1)]
    for phrase in (
        "JavaScript", "javascriptx", "java script", "Terms of Use", "PRIVACY POLICY", "privacy  policy",
        "Cookie policy", "uses cookies", "use of cookies", "use cookies", "usescookies", "use coo\u212aies",
        "coo\u212aie policy", "javascr\u0130pt", "lorem \u0130psum", "u\u017fe cookies", "lorem ipsum javascript",
        "javascript {", "{ privacy policy", "lorem ipsum privacy policy", "javascript privacy policy", "x{y",
    ):  # fmt: skip
        yield f"phrase {phrase!r}", [(PROSE, 1), (f"The {phrase} is here.\n", 1), (PROSE, 1)]
        yield f"phrase {phrase!r} without end", [(PROSE, 1), (f"The {phrase} is here\n", 1), (PROSE, 1)]
        yield f"phrase {phrase!r} in a long text", [(PROSE, 3), ("so ", 40), (f"{phrase} ", 1), ("it ", 40), ("is.", 1)]


def odd_rows() -> Iterator[tuple[str, Pieces]]:
    yield "odd: empty", []
    yield "odd: whitespace", [(" \n\t\u3000\r\n", 3)]
    yield "odd: one word", [("word", 1)]
    yield "odd: line feeds around", [("\n\n", 1), (PROSE, 1), ("\n\n", 1)]
    yield "odd: CR LF", [(PROSE.replace("\n", "\r\n"), 3)]
    for name, mark in (("CR", "\r"), ("VT", "\v"), ("FF", "\f"), ("FS", "\x1c"), ("NEL", "\x85"), ("LS", "\u2028")):
        yield f"odd: {name}", [(PROSE.replace("\n", mark), 3), ("the end", 1)]
    yield "odd: spaces around lines", [("  " + PROSE.replace("\n", " \u00a0\n"), 3)]
    yield "odd: lines of one character", [("a\n.\n", 500)]
    yield "odd: other scripts", [("委员会 开会 讨论了。\n", 2), ("комитет собрался на заседание.\n", 6)]
    yield "odd: NUL", [("one\0two three four.\n", 6)]


def rows() -> Iterator[dict[str, object]]:
    for line in GOPHER.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        if row["name"].startswith("pep-"):
            yield {"name": row["name"], "source": "gopher", "pieces": [tuple(piece) for piece in row["pieces"]]}
    for name, pieces in (*threshold_rows(), *line_rows(), *odd_rows()):
        yield {"name": name, "pieces": pieces}


def result(name: str, text: str) -> dict[str, str]:
    """Why the filter drops the text, or the text that it leaves."""
    document = Document(text=text, id="0")
    kept = FILTERS[name].filter(document)
    if isinstance(kept, tuple):
        return {"dropped_by": kept[1]}
    if len(document.text) > MAX_TEXT_CHARS:
        return {"digest": xxhash.xxh3_128_hexdigest(document.text.encode())}
    return {"text": document.text}


for row in rows():
    text = "".join(piece * count for piece, count in row["pieces"])
    results = {name: result(name, text) for name in FILTERS}
    if "source" in row:
        del row["pieces"]
    sys.stdout.write(json.dumps(row | results, ensure_ascii=False) + "\n")
