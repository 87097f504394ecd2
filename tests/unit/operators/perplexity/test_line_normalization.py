"""Lines as CCNet's language models were trained on."""
# ruff: noqa: RUF001 -- look-alike characters are what the tests are about

import pytest

from operators.perplexity.line_normalization import normalized_lines


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("Plain Text", ["plain text"]),
        ("ÉTÉ Ångström naïve ﬁ", ["ete angstrom naive ﬁ"]),
        ("İstanbul", ["istanbul"]),
        ("In 1984, ٣٤ and １２", ["in 0000, 00 and 00"]),
        ("“Yes”—she said…", ['"yes" - she said...']),
        ("你好，世界。（真的？）", ["你好,世界.(真的?)"]),
        ("a\x00b\tc\x9dd", ["abcd"]),
        ("one\r\n\n \u3000\n  two  \n", ["one", "two"]),
        ("한글", ["\u1112\u1161\u11ab\u1100\u1173\u11af"]),
        ("", []),
        ("\n\u0301\n", []),
    ],
)
def test_lines(text: str, lines: list[str]):
    assert normalized_lines(text) == lines
