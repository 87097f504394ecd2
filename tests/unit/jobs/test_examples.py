"""Which removed documents are shown."""

from dataclasses import replace

import pytest

from jobs import examples
from jobs.examples import removed_examples
from pipeline.run import Run

WITH_SURVIVOR = "near_duplicate"


def test_the_commonest_rule_of_an_operator_and_a_duplicate_with_its_survivor(finished: Run):
    shown = removed_examples(finished.manifests)
    assert [(example.operator, example.rule) for example in shown] == [
        ("gopher_quality", "too_few_words"),
        ("drop_near_duplicates", WITH_SURVIVOR),
    ]
    short, duplicate = shown
    assert short.text in ("too short", "one two three")
    assert short.survivor is None
    assert {duplicate.text, duplicate.survivor_text} != {duplicate.text}
    for text in (duplicate.text, duplicate.survivor_text):
        assert text is not None
        assert text.startswith("It is told that\nbaler bamer ")
    assert duplicate.doc_id != duplicate.survivor


def test_exact_duplicates_are_shown_where_there_are_no_others(finished: Run):
    manifests = {name: manifest for name, manifest in finished.manifests.items() if name != "near"}
    duplicate = removed_examples(manifests)[-1]
    assert duplicate.rule == "exact_duplicate"
    assert duplicate.text == duplicate.survivor_text


def test_the_limit_counts_the_duplicate(finished: Run):
    assert [example.rule for example in removed_examples(finished.manifests, limit=1)] == [WITH_SURVIVOR]


def test_no_text_no_pair(finished: Run):
    base = finished.manifests["documents"]
    columns = {name: kind for name, kind in base.columns.items() if name != "text"}
    shown = removed_examples({**finished.manifests, "documents": replace(base, columns=columns)})
    assert [example.rule for example in shown] == ["too_few_words"]


def test_no_pair_of_a_base_that_is_too_large_to_search(finished: Run, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(examples, "MAX_SEARCHED_ROWS", sum(finished.manifests["documents"].shard_rows) - 1)
    assert [example.rule for example in removed_examples(finished.manifests)] == ["too_few_words"]


def test_nothing_removed_nothing_shown(finished: Run):
    assert removed_examples({"packed": finished.manifests["packed"]}) == ()
