"""Writes expected.jsonl: texts, and what DCLM's line modifiers make of them. README.md says how."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from unittest.mock import MagicMock

GOPHER = Path(__file__).parents[1] / "gopher" / "expected.jsonl"
DCLM = Path(sys.argv[1])
MAX_TEXT_CHARS = 300
"""Longer results are stored as their digest."""

# DCLM's modules import what these functions do not need
for module in ("justext", "lxml", "lxml.etree", "retrie", "retrie.retrie", "bs4", "uniseg", "uniseg.wordbreak", "nltk",
               "nltk.tokenize", "nltk.tokenize.punkt", "unidecode", "blingfire"):  # fmt: skip
    sys.modules[module] = MagicMock()
for package, folder in (("baselines.mappers", "baselines/mappers"), ("core", "baselines/core")):
    sys.modules[package] = ModuleType(package)  # without what its __init__ imports
    sys.modules[package].__path__ = [str(DCLM / folder)]
sys.path.insert(0, str(DCLM))

import baselines.mappers.modifiers as modifiers  # noqa: E402 -- the package is a stand-in
import xxhash  # noqa: E402
from baselines.mappers.core_utils import split_words  # noqa: E402

CHAIN = (
    lambda page: modifiers.uppercase_ratio_line_modifier(page, max_ratio=0.5),
    lambda page: modifiers.numeric_ratio_line_modifier(page, max_ratio=0.999999),
    modifiers.counter_line_modifier(),
    lambda page: modifiers.line_length_modifier(page, min_length=2),
    modifiers.substring_line_modifier(max_length=10, banlist="items in cart", remove_substring_only=True),
    modifiers.substring_line_modifier(
        max_length=10, banlist="Read more...", location="suffix", remove_substring_only=True
    ),
    modifiers.substring_line_modifier(max_length=10, banlist="Sign-in", location="prefix", remove_substring_only=True),
)
"""As dclm_baseline_refinedweb.yaml calls them."""

Pieces = list[tuple[str, int]]
PROSE = "It was late and they went home by the river.\n"


def threshold_rows() -> Iterator[tuple[str, Pieces]]:
    yield "upper_case: inside", [(PROSE, 4), ("ABCD efgh E\n", 1)]
    yield "upper_case: outside", [(PROSE, 4), ("ABCD efg EF\n", 1)]
    yield "upper_case: inside, two bytes a letter", [(PROSE, 4), ("ÄÖ äöü Ä\n", 1)]
    yield "upper_case: outside, two bytes a letter", [(PROSE, 4), ("ÄÖ äö ÄÖÜ\n", 1)]
    yield "digits: inside", [(PROSE, 4), ("12345 67\n", 1)]
    yield "digits: outside", [(PROSE, 4), ("1234567\n", 1)]
    yield "digits: outside, superscript", [(PROSE, 4), ("12²\n", 1)]
    yield "too_few_words: inside", [(PROSE, 4), ("two words\n", 1)]
    yield "too_few_words: outside", [(PROSE, 4), ("one\n", 1)]
    yield "phrase in ten words", [(PROSE, 4), ("a b c d e f g items in cart\n", 1)]
    yield "phrase in eleven words", [(PROSE, 4), ("a b c d e f g h items in cart\n", 1)]
    yield "too_many_words_removed: inside", [("word and ", 9), ("so\n", 1), ("cart\n", 1)]
    yield "too_many_words_removed: outside", [("word and ", 9), ("\n", 1), ("cart\n", 1)]


def counter_rows() -> Iterator[tuple[str, Pieces]]:
    for line in (
        "3 likes", "3 LIKES", "1,234.5 views", "1.2K shares", "5M comments", "7b  followers", "2 retweets!",
        "(4 reposts)", "- 5 quotes -", "6 bookmarks", "8 upvotes", "9 downvotes", "10 downloads", "3 like", "likes 3",
        "3likes",
        "3 likes and more", "3 likes_", "a 3 likes", "_3 likes", "3. likes", "3K likes", "3KK likes", "٣ likes",
        "3 li\u212aes", "3\u212a likes", "3 likes 4 shares", "3 viewsx", ",3 views", "3\u00a0views", "3k\tviews",
    ):  # fmt: skip
        yield f"counter {line!r}", [(PROSE, 4), (line + "\n", 1), (PROSE, 1)]


def phrase_rows() -> Iterator[tuple[str, Pieces]]:
    for line in (
        "items in cart", "Items In Cart", "3 items in cart now", "3  items in cart  now", "xitems in cart now",
        "items in cart items in cart", "items in cartitems in cart x y", "\u0131tems \u0130n cart is",
        "item\u017f in cart is",
        "Read more...", "so read more...", "so  read more...", "so read moreabc", "so read more now", "so read more",
        "so Read More\u2026..", "so read more... ", "read more... of it", "soread more...", "so\u00a0read more...",
        "Sign-in", "sign-in here now", "SIGN-IN  here now", "sign-inhere now", " sign-in here now", "so sign-in here",
        "\u017f\u0131gn-in here now", "sign-in read more...", "sign-in items in cart",
        "sign-in 3 items in cart read more...",
    ):  # fmt: skip
        yield f"phrase {line!r}", [(PROSE, 4), (line + "\n", 1), (PROSE, 1)]
        yield f"phrase {line!r} first", [(line + "\n", 1), (PROSE, 4)]
        yield f"phrase {line!r} last", [(PROSE, 4), (line, 1)]


def odd_rows() -> Iterator[tuple[str, Pieces]]:
    yield "odd: empty", []
    yield "odd: whitespace", [(" \n\t\u3000\r\n", 3)]
    yield "odd: one word", [("word", 1)]
    yield "odd: symbols", [("# # #\n", 9)]
    yield "odd: emptied", [("LOUD\n", 9)]
    yield "odd: blank lines", [("\n \n\n", 1), (PROSE, 1), ("\n \n\n", 1), (PROSE, 4), ("\n \n\n", 1)]
    yield "odd: CR LF", [(PROSE.replace("\n", "\r\n"), 3), ("3 likes\r\n", 1), ("12345\r\n", 1), (PROSE, 1)]
    yield "odd: other line ends", [(PROSE.replace("\n", "\u2028"), 3), ("3 likes\u2028", 1), (PROSE, 1)]
    yield "odd: lines of one character", [("a\n", 500)]
    yield "odd: other scripts", [("委员会开会讨论了。\n", 2), ("комитет собрался на заседание.\n", 6)]
    yield "odd: NUL", [("one\0two three four.\n", 6)]
    yield "odd: digits after spaces", [("  123\n", 1), (PROSE, 4), ("  123\n", 1), (PROSE, 4), ("123  ", 1)]


def rows() -> Iterator[dict[str, object]]:
    for line in GOPHER.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        if row["name"].startswith("pep-"):
            yield {"name": row["name"], "source": "gopher", "pieces": [tuple(piece) for piece in row["pieces"]]}
    for name, pieces in (*threshold_rows(), *counter_rows(), *phrase_rows(), *odd_rows()):
        yield {"name": name, "pieces": pieces}


def result(text: str) -> dict[str, object]:
    """The text that the modifiers leave, and how many words there are before and after. A page that goes is empty."""
    page = {"text": text}
    num_before = len(split_words(text, ignore_punctuation=True))
    is_kept = all(modifier(page) for modifier in CHAIN)
    edited = page["text"] if is_kept else ""
    found = {"num_before": num_before, "num_after": len(split_words(edited, ignore_punctuation=True))}
    if len(edited) > MAX_TEXT_CHARS:
        return found | {"digest": xxhash.xxh3_128_hexdigest(edited.encode())}
    return found | {"text": edited}


for row in rows():
    text = "".join(piece * count for piece, count in row["pieces"])
    if "source" in row:
        del row["pieces"]
    sys.stdout.write(json.dumps(row | result(text), ensure_ascii=False) + "\n")
