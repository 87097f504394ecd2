import pytest
from pydantic import ValidationError

from operators.prox.execution_rules import ExecutionRules


def test_the_published_mode_sets_what_is_not_given():
    rules = ExecutionRules(mode="published")
    assert rules.normalize_in == rules.verdict_on == "document"
    assert rules.unshown_lines == "accept"
    assert rules.last_line_of_cut == "read"
    assert rules.doc_verdict == "substring"
    assert rules.min_words == 11
    assert ExecutionRules(mode="published", min_words=None).min_words is None
    assert ExecutionRules(**rules.model_dump()) == rules


@pytest.mark.parametrize("wide", [{"normalize_in": "document"}, {"unshown_lines": "accept"}])
def test_edits_are_judged_where_they_are(wide):
    with pytest.raises(ValidationError, match="verdict_on: expected 'document' where edits reach beyond their chunk"):
        ExecutionRules(**wide)
    ExecutionRules(**wide, verdict_on="document")
