"""Lines of a page's interface in plain Python: what the kernels of `operators.prox` are held against."""

import re
from collections import Counter
from dataclasses import dataclass

from operators.prox.interface_phrases import INTERFACE_PHRASES, MENU_WORDS, NOTICES
from operators.text.characters import TERMINAL_RANGES
from tests.line_oracle import code_flags

MARKS = {chr(code) for first, last in TERMINAL_RANGES for code in range(first, last + 1)} | set(
    "\"')\u00bb\u2019\u201d\u2026"
)
ENDS = MARKS | set(",:;、\uff0c\uff1a\uff1b")
CODE = set("{}<>=;`\\$#*|~^[]")


def any_of(phrases):
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, phrases))})(?!\w)")


INTERFACE, NOTICE = any_of(INTERFACE_PHRASES), any_of(NOTICES)
YEAR, SIGN = re.compile(r"(?:19|20)[0-9][0-9]"), re.compile(r"copyright|\(c\)|©")
CRUMB = re.compile(r"(?<=\s)[|>\u00bb\u203a\u00b7\u2022]\s+(?=(\w))")


def small(text):
    return "".join(letter.lower() if letter.isascii() else letter for letter in text)


@dataclass
class Line:
    is_blank: bool = False
    is_prose: bool = False
    is_link: bool = False
    is_menu_word: bool = False
    is_repeatable: bool = False
    reason: str | None = None


def line_of(raw):
    text = raw.strip()
    if not text:
        return Line(is_blank=True)
    words = text.split()
    is_long = len(words) >= 10 or (len(text) >= 40 and len(text) >= 12 * len(words))
    line = Line(is_prose=text[-1] in MARKS and is_long)
    if raw.startswith(("\t", "  ")):
        return line
    is_ended = text[-1] in ENDS
    is_small = text[0].islower() or (text[0].istitle() and not text[0].isupper())
    if len(words) == 1 and not is_ended and len(text.encode()) >= 9 and re.match(r"https?://|www\.", text):
        line.reason = "url"
    crumbs = [found[1] for found in CRUMB.finditer(text) if found[1] != "_"]
    if (
        text[0].isalnum()
        and not is_ended
        and len(crumbs) >= 2
        and not any(letter.islower() or (letter.istitle() and not letter.isupper()) for letter in crumbs)
        and len(words) - len(crumbs) <= 3.5 * (len(crumbs) + 1)
    ):
        line.reason = line.reason or "breadcrumbs"
    if set(text) & CODE or len(text.encode()) > 400:
        return line
    lowered = small(text)
    is_notice = NOTICE.search(lowered) or (YEAR.search(lowered) and SIGN.search(lowered))
    if len(words) <= 40 and is_notice:
        line.reason = line.reason or "notice"
    if len(words) <= 4 and not is_ended:
        if INTERFACE.search(lowered):
            line.reason = line.reason or (None if is_small else "interface")
            line.is_menu_word = True
        line.is_menu_word = line.is_menu_word or lowered in MENU_WORDS
    has_letters = any(letter.isalnum() and not letter.isdecimal() for letter in text)
    if text[0].isalnum() and not is_ended:
        is_short = len(words) <= 6 and len(text) <= 50
        line.is_link = bool(is_short and has_letters and not re.search(r":\s", text))
        is_name = not (text[0].islower() or (text[0].istitle() and not text[0].isupper()))
        line.is_repeatable = is_name and (len(words) >= 4 or line.is_menu_word)
    return line


def mark_menus(lines, first, last):
    begin = 0
    while begin < len(lines):
        end = begin
        while end < len(lines) and (lines[end].is_link or lines[end].is_blank):
            end += 1
        links = [line for line in lines[begin:end] if line.is_link]
        num_words = sum(line.is_menu_word for line in links)
        is_head = end <= first
        if (
            (is_head and len(links) >= 5 and num_words >= 1)
            or (begin > last and len(links) >= 4 and num_words >= 1)
            or (len(links) >= 4 and num_words >= max(2, 0.15 * len(links)))
        ):
            spared = 2 if is_head and end >= first - 1 else 0
            for line in links[: max(len(links) - spared, 0)]:
                line.reason = line.reason or "menu"
        begin = end + 1


def interface_lines(text):
    """{line: why it goes}."""
    raw = text.split("\n")
    is_code = code_flags(raw)
    lines = [
        Line(is_blank=not found.strip()) if code else line_of(found) for found, code in zip(raw, is_code, strict=True)
    ]
    prose = [number for number, line in enumerate(lines) if line.is_prose]
    if not prose:
        return {}
    mark_menus(lines, prose[0], prose[-1])
    texts = [found.strip() for found in raw]
    counts = Counter(found for found, line in zip(texts, lines, strict=True) if line.is_repeatable)
    seen = set()
    for found, line in zip(texts, lines, strict=True):
        if line.is_repeatable and counts[found] >= 3:
            if found in seen:
                line.reason = line.reason or "repeated"
            seen.add(found)
    return {number: line.reason for number, line in enumerate(lines) if line.reason}
