"""Equal to ftfy over the whole text, while most lines never reach it."""
# ruff: noqa: RUF001 -- look-alike characters are what the tests are about

import ftfy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from operators.repair.ftfy_repair import FtfyRepair
from tests.unit.operators.repair.texts import repaired

EVERYTHING = FtfyRepair(
    fix_latin_ligatures=True,
    fix_character_width=True,
    uncurl_quotes=True,
    fix_line_breaks=True,
    normalization="NFC",
)
OPERATORS = (
    FtfyRepair(),
    EVERYTHING,
    EVERYTHING.model_copy(update={"normalization": None}),
    FtfyRepair(unescape_html=True, normalization="NFKC"),
    FtfyRepair(unescape_html=False, fix_encoding=False, fix_c1_controls=False, remove_control_chars=False),
    FtfyRepair(remove_terminal_escapes=False),
)
BROKEN = "schÃ¶n", "â€œquotedâ€\x9d", "ÐŸÑ€Ð¸Ð²ÐµÑ‚", "à¹à¸", "Ã\xa0", " Â ", "l’Ã©tÃ©", "рџ‘Ќ", "ä¸–ç•Œ"
PIECES = (
    *BROKEN, "\n", "\n", "\r\n", "\r", "\x85", "\u2028", " ", "word ", "<b>", "&amp;", "&lt;", "&#x27;", "& ",
    "&hellip", "\x1b[31m", "\0", "\ufeff", "\ufb01", "ＡＢ", "\u3000", "“x”", "‘y’", "é", "e\u0301", "中文，",
    "\U0001f600", "\ufffd", "…",
)  # fmt: skip


def by_ftfy(operator: FtfyRepair, text: str) -> str:
    return ftfy.fix_text(text, ftfy.TextFixerConfig(**operator.model_dump()))


@pytest.mark.parametrize(
    ("text", "expected", "num_lines"),
    [
        ("nothing\nto do", "nothing\nto do", 0),
        ("one\nschÃ¶n\nthree\n", "one\nschön\nthree\n", 1),
        ("&amp;\n<b>&amp;</b>\n&amp;", "&\n<b>&amp;</b>\n&amp;", 1),
        ("“quotes” – stay\n中文，全角\nﬁ", "“quotes” – stay\n中文，全角\nﬁ", 0),
        ("\x1b[1mred\x1b[0m\nb\x00", "red\nb", 2),
    ],
)
def test_lines_that_need_it_are_mended(text: str, expected: str, num_lines: int):
    assert repaired(FtfyRepair(), text, "next") == ([expected, "next"], [[num_lines], [0]])


@given(st.lists(st.lists(st.sampled_from(PIECES) | st.text(max_size=3), max_size=9).map("".join), max_size=4))
def test_equal_to_ftfy(texts: list[str]):
    for operator in OPERATORS:
        results, sizes = repaired(operator, *texts)
        assert results == [by_ftfy(operator, text) for text in texts]
        assert [size > 0 for (size,) in sizes] == [a != b for a, b in zip(texts, results, strict=True)]


def test_characters_that_no_fixer_knows_are_never_handed_over(monkeypatch: pytest.MonkeyPatch):
    def refuse(text: str, *_: object) -> str:
        raise AssertionError(text)

    monkeypatch.setattr(ftfy, "fix_text", refuse)
    texts = ["Plain <b>text</b>\nof two lines.\n", "“Quotes” and dashes – naïve café", "中文，没有问题。", "कि"]
    assert repaired(FtfyRepair(), *texts)[0] == texts
