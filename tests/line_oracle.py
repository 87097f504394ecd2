"""Lines, paragraphs and fences in plain Python: what the kernels and operators on repeated lines are held against."""

import re

from operators.text.normalize import word_hashes

FENCE = re.compile(r"[ \t]*(`{3,}(?=[^`]*$)|~{3,})")


def lines_of(text):
    """Lines with their line ends."""
    return re.findall(r"[^\n]*\n|[^\n]+", text)


def code_flags(lines):
    """Whether each line is code: fences count as what they enclose."""
    flags, fence = [], None
    for line in lines:
        content = line.removesuffix("\n")
        flags.append(fence is not None)
        if fence is not None:
            if re.fullmatch(rf"[ \t]*{re.escape(fence[0])}{{{len(fence)},}}[ \t\r]*", content):
                fence = None
        elif match := FENCE.match(content):
            fence = match[1]
            flags[-1] = True
    return flags


def units_of(text, unit):
    """(the unit's text, whether it has code) for all units of a text; joined they are the text."""
    lines = lines_of(text)
    flagged = list(zip(lines, code_flags(lines), strict=True))
    if unit == "line":
        return flagged
    paragraphs, was_blank, has_text = [], False, False
    for line, is_code in flagged:
        is_blank = not line.strip()
        if not paragraphs or (was_blank and has_text and not is_blank):
            paragraphs.append([])
        paragraphs[-1].append((line, is_code))
        has_text = has_text or not is_blank
        was_blank = is_blank
    return [("".join(line for line, _ in found), any(code for _, code in found)) for found in paragraphs]


def key_of(unit, min_words):
    """What equal units share; None for a unit that is too short."""
    words = word_hashes(unit).tolist()
    return (tuple(words), tuple(re.findall(r"\d+", unit))) if len(words) >= min_words else None


def keys_of(text, unit, min_words):
    """{ordinal: key} of the units that take part."""
    keys = {
        number: None if code else key_of(found, min_words) for number, (found, code) in enumerate(units_of(text, unit))
    }
    return {number: key for number, key in keys.items() if key is not None}


def without(text, ordinals, unit):
    """The text without these units; where the last goes, the text ends as it did."""
    units = [found for found, _ in units_of(text, unit)]
    kept = [number for number in range(len(units)) if number not in ordinals]
    if not kept:
        return ""
    left = [units[number] for number in kept]
    if kept[-1] != len(units) - 1:
        left[-1] = _content(left[-1], unit)
        left.append(units[-1].removeprefix(_content(units[-1], unit)))
    return "".join(left)


def _content(found, unit):
    """A unit without its line end; of a paragraph, without the blank lines behind it."""
    lines = lines_of(found)
    while unit == "paragraph" and len(lines) > 1 and not lines[-1].strip():
        lines.pop()
    last = lines.pop()
    ended = re.sub(r"\r?\n$", "", last) if last.endswith("\n") else last
    return "".join(lines) + ended


def repeated(documents, unit, *, min_words, min_count=2, keep="first", order=None):
    """{document: ordinals that go} over all documents; `order` are their numbers as survivors are chosen."""
    met = {}
    for number in range(len(documents)) if order is None else order:
        for ordinal, key in keys_of(documents[number], unit, min_words).items():
            met.setdefault(key, []).append((number, ordinal))
    gone = {}
    for places in met.values():
        if len(places) >= min_count:
            for number, ordinal in places[keep == "first" :]:
                gone.setdefault(number, []).append(ordinal)
    return {number: sorted(ordinals) for number, ordinals in gone.items()}


PIECES = (
    "", "\n", "\n\n", "\r\n", "\r", " ", "\t", "\u2028", "\x85", "\u3000\n", "\0",
    "```", "```py\n", "````\n", "~~~\n", "  ~~~", "`", "``` a ``` b c\n",
    "a b c\n", "A  b, C.\n", "a b c\r\n", "a b c", "é", "e\u0301 d c\n", "中文字\n", "中文 字。\n", "- ", "...\n",
    "x 1 2", "x 12", "x 1.5 y\n", "x \u0661\u0662 y\n", "x \uff11 y\n", "\U0001d7ce",
    "word " * 12 + "7\n", "word " * 12 + "8\n", "中" * 40 + "9\n",
)  # fmt: skip
"""What hypothesis joins documents from: repeated lines, all kinds of ends, fences, numbers, and what breaks kernels."""
