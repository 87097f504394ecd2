import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from operators.text.line_statistics import LineCounts
from operators.text.statistics import Wanted, text_statistics
from operators.text.stop_words import stop_word_table
from operators.text.word_unit import unit_scanner

BREAKS = "\n\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"
texts = st.lists(
    st.one_of(
        st.sampled_from(["...", "..", ".", "\u2026", "-", "\u2022", "\u2027", "\u202a"]),
        st.sampled_from([*BREAKS, "\r\n", " ", "\x1f", "\xa0", "the"]),
        st.characters(exclude_categories=["Cs"]),
    ),
    max_size=40,
).map("".join)  # fmt: skip


def expected_counts(text: str) -> dict[str, int]:
    lines = text.splitlines()
    return {
        "num_lines": len(lines),
        "num_bullet_lines": sum(line.lstrip().startswith(("-", "\u2022")) for line in lines),
        "num_ellipsis_lines": sum(line.rstrip().endswith(("...", "\u2026")) for line in lines),
    }


def counted(documents: list[str]) -> list[dict[str, int]]:
    found = text_statistics(
        pa.array(documents, pa.large_string()),
        Wanted(lines=True),
        scanner=unit_scanner("whitespace"),
        stop_words=stop_word_table((), any_case=False),
        short_line_chars=0,
    )
    return [{name: int(found[name][d]) for name in LineCounts._fields} for d in range(len(documents))]


@settings(deadline=None, derandomize=True, max_examples=300)
@given(st.lists(texts, max_size=4))
def test_counts_agree_with_python(documents):
    assert counted(documents) == [expected_counts(text) for text in documents]


@pytest.mark.parametrize(
    "text",
    ["", " ", "\n", "\r\n", "\r", "\n\n", "a\r\n\rb", "..", "......", "....", "\u2026", ". ..", "a...\x85", "-",
     "\u2022", "\u2023", "\xc2", "x\u2028", "\u20281..."],
)  # fmt: skip
def test_edges_agree_with_python(text):
    # neighbours in one buffer, so that a kernel that reads past its document is caught
    documents = ["...", text, "\n-", text, "\u2026", text, "..\n"]
    assert counted(documents) == [expected_counts(document) for document in documents]
