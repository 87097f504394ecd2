"""What an answer may hold, and the columns that it goes into."""

import pyarrow as pa
import pytest

from operators.dataman.criteria import CRITERIA, DOMAINS, LINES, choices_of, rating_fields


def test_criteria_and_domains_are_those_of_the_method():
    assert len(CRITERIA) == 14
    assert (CRITERIA[0], CRITERIA[-1]) == ("accuracy", "overall_score")
    assert "".join(DOMAINS) == "ABCDEFGHIJKLMNO"
    assert len(set(DOMAINS.values())) == 15


@pytest.mark.parametrize(("mode", "num_lines"), [("all_rating", 15), ("score_only", 1), ("domain_only", 1)])
def test_columns_follow_the_lines(mode, num_lines):
    fields = rating_fields(mode)
    assert [field.name for field in fields] == [f"dataman_{line}" for line in LINES[mode]]
    assert len(fields) == num_lines
    assert {field.name: field.type for field in fields}.get("dataman_overall_score", pa.int8()) == pa.int8()


def test_a_line_is_a_letter_or_a_digit():
    assert choices_of("domain") == tuple("ABCDEFGHIJKLMNO")
    assert choices_of("accuracy") == tuple("12345")
