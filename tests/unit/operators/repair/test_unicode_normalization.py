"""Normal forms are those of the standard library, for the characters that both know."""
# ruff: noqa: RUF001 -- look-alike characters are what the tests are about

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from operators.repair.unicode_normalization import UnicodeNormalization
from tests.unit.operators.repair.texts import repaired

ASSIGNED = st.characters(codec="utf-8", exclude_categories=("Cs", "Cn"))
PIECES = st.sampled_from(["e\u0301", "\n", "\u1100\u1161\u11a8", "\ufb01", "１", "a\u0323\u0307", "\u212b", "ascii"])


def test_composed_and_compatible():
    text = "cafe\u0301 ﬁne\nx²\n"
    assert repaired(UnicodeNormalization(), text, "ascii", "é") == (
        ["café ﬁne\nx²\n", "ascii", "é"],
        [[1], [0], [0]],
    )
    assert repaired(UnicodeNormalization(form="NFKC"), text) == (["café fine\nx2\n"], [[2]])
    assert repaired(UnicodeNormalization())[0] == []


@given(st.lists(st.lists(PIECES | st.text(ASSIGNED, max_size=3), max_size=5).map("".join), max_size=4))
def test_equal_to_the_standard_library(texts: list[str]):
    for form in ("NFC", "NFKC"):
        results, sizes = repaired(UnicodeNormalization(form=form), *texts)
        assert results == [unicodedata.normalize(form, text) for text in texts]
        assert sizes == [
            [sum(a != b for a, b in zip(text.split("\n"), result.split("\n"), strict=True))]
            for text, result in zip(texts, results, strict=True)
        ]
