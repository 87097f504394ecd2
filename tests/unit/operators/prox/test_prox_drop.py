import numpy as np
import pyarrow as pa
import pytest

from operators.prox.execution_rules import ExecutionRules
from operators.prox.programs import PROGRAMS_TYPE
from operators.prox.prox_drop import ProxDrop
from pipeline.document import TEXT_TYPE

LONG = "word " * 95 + "\nfive words are left here"


def programs(program):
    return [{"first_line": 0, "last_line": 1, "program": program, "is_cut": False}]


ROWS = [
    ("a text\n", "drop_doc()", None),
    ("a text\n", "keep_doc()", None),
    (LONG, None, programs("remove_lines(0, 0)")),
    (LONG, None, programs("remove_lines(1, 1)")),
    (LONG, "drop_doc()", programs("remove_lines(0, 0)")),
    ("a text\n", None, programs("keep_chunk()")),
    ("", None, []),
    (LONG, "you should drop it", programs("remove_lines(0, 0)\nnonsense\nnonsense")),
]


def batch():
    texts, documents, chunks = zip(*ROWS, strict=True)
    return pa.record_batch(
        {
            "text": pa.array(texts, TEXT_TYPE),
            "prox_doc_program": pa.array(documents, pa.large_string()),
            "prox_programs": pa.array(chunks, PROGRAMS_TYPE),
        }
    )


def judged(operator):
    rows = batch()
    verdicts = operator.open()(rows.select(operator.requires().names))
    names = [operator.rules()[rule] for rule in verdicts.rule]
    return {
        row: (names[row], verdicts.value[row], verdicts.threshold[row])
        for row in range(rows.num_rows)
        if not verdicts.keep[row]
    }


def test_both_stages():
    found = judged(ProxDrop())
    assert {row: rule for row, (rule, *_) in found.items()} == {0: "drop_doc", 2: "emptied", 4: "drop_doc"}
    assert found[2][1:] == pytest.approx((0.05, 0.05))
    assert np.isnan(found[0][1:]).all()


@pytest.mark.parametrize(("stage", "dropped"), [("document", [0, 4]), ("chunk", [2, 4])])
def test_one_stage(stage, dropped):
    operator = ProxDrop(stages=(stage,))
    assert sorted(judged(operator)) == dropped
    assert ("text" in operator.requires().names) == (stage == "chunk")


def test_too_few_words_is_a_rule_of_its_own():
    found = judged(ProxDrop(execution=ExecutionRules(min_words=3)))
    assert [row for row, (rule, *_) in found.items() if rule == "too_few_words"] == [5, 6]
    assert found[5] == ("too_few_words", 2, 3)


def test_the_published_mode():
    found = judged(ProxDrop(execution=ExecutionRules(mode="published")))
    rules = {row: rule for row, (rule, *_) in found.items()}
    short = dict.fromkeys((5, 6), "too_few_words")
    assert rules == {0: "drop_doc", 4: "drop_doc", 7: "drop_doc", **short}  # positions are no arguments there
