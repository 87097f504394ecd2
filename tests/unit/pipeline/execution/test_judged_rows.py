"""What rules say about rows that others dropped: collected in pieces, written as one table."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import OperatorError
from pipeline.execution.judged_rows import JudgedRows
from pipeline.execution.row_pass import RowPass, open_chain
from pipeline.ledger import LedgerBuilder
from tests.sample_operators import LongEnough, OneLine, Shape, TextLength
from tests.unit.pipeline.sample_operators import documents

OPERATORS = (
    Shape(min_chars=3, max_words=3, poison="BAD"),
    OneLine(),
    TextLength(poison="WORSE"),
    LongEnough(min_chars=6, poison="UGLY"),
    Shape(min_chars=None, max_words=2, max_letter_fraction=0.5),
)
PIECES = st.sampled_from(["a", "lamp ", "stone\n", "aaaa ", "BAD ", "WORSE", "UGLY", ""])
TEXTS = st.lists(st.lists(PIECES, max_size=4).map("".join), max_size=12)


def carry(texts, *, keeps_values, cuts=()):
    """(kept rows with their numbers, ledger, examples, values) of texts in the batches that `cuts` make."""
    ledger, judged = LedgerBuilder(), JudgedRows() if keeps_values else None
    row_pass = RowPass(open_chain(OPERATORS, with_values=keeps_values), ledger, 2, judged=judged)
    batch, rows = documents(texts), np.arange(len(texts), dtype=np.uint32) * 3
    kept = []
    ends = sorted({min(cut, len(texts)) for cut in cuts} | {len(texts)})
    for start, end in zip([0, *ends], ends, strict=False):
        part, numbers = batch.slice(start, end - start), rows[start:end]
        if judged is not None:
            judged.enter(part, numbers)
        for piece in row_pass.through([(part, numbers)]):
            left, left_rows = piece if judged is None else judged.left(*piece)
            kept += zip(left_rows.tolist(), left.to_pylist(), strict=True)
    account = ledger.table().to_pylist(), dict(sorted(ledger.rules.items())), row_pass.examples()
    return kept, account, None if judged is None else judged.table()


@settings(max_examples=60, deadline=None, derandomize=True)
@given(texts=TEXTS, cuts=st.lists(st.integers(0, 12), max_size=3))
def test_rows_and_ledger_are_the_same_with_values_and_without(texts, cuts):
    kept, account, _ = carry(texts, keeps_values=False)
    kept_too, account_too, values = carry(texts, keeps_values=True, cuts=cuts)
    assert (kept_too, account_too) == (kept, account)
    assert values == carry(texts, keeps_values=True)[2]


def test_every_rule_judges_every_row_as_if_it_were_alone():
    texts = ["", "lamp stone\nwater", "a BAD lamp", "a WORSE lamp", "one UGLY", "a a a a"]
    table = carry(texts, keeps_values=True)[2].to_pydict()
    assert table["row"] == [0, 3, 6, 9, 12, 15]
    assert table["text_bytes"] == [len(text) for text in texts]
    assert table["failed_at"] == [None, None, "shape", "text_length", "long_enough", None]
    assert table["shape/too_short"] == [0, 16, None, 12, 8, 7]
    assert table["shape/too_many_lines"] == [1, 2, None, 1, 1, 1]
    assert table["long_enough"] == ["too_short", None, None, None, None, None]
    assert table["shape#2/too_many_lines"] == [1, 1, None, None, None, 1], "behind the line rule"
    assert table["shape#2/too_many_words"] == [1, 3, None, None, None, 4]


def test_what_travels_between_stages_may_be_read_only():
    judged = JudgedRows()
    judged.enter(documents(["a", "b"]), np.array([0, 5], np.uint32))
    judged.gone.setflags(write=False)
    later = judged.taken_over()
    later.drop(np.array([5], np.uint32))
    assert later.left(documents(["a", "b"]), np.array([0, 5], np.uint32))[1].tolist() == [0]


def test_nothing_entered_gives_the_columns_all_the_same():
    judged = JudgedRows()
    RowPass(open_chain(OPERATORS, with_values=True), LedgerBuilder(), 0, judged=judged)
    table = judged.table()
    assert table.num_rows == 0
    assert table.schema.field("shape#2/too_short").type == pa.float64()
    assert table.schema.field("long_enough").type == pa.string()


def test_text_that_is_not_read_has_no_size():
    judged = JudgedRows()
    judged.enter(documents(["a"]).select(["doc_id"]), np.array([0], np.uint32))
    assert judged.table()["text_bytes"].to_pylist() == [None]


def test_a_rule_set_that_measures_another_number_of_rows_is_refused():
    class Short(Shape):
        def open_measure(self):
            return lambda batch: np.zeros((batch.num_rows - 1, 4))

    row_pass = RowPass(open_chain((Short(),), with_values=True), LedgerBuilder(), 0, judged=JudgedRows())
    with pytest.raises(OperatorError, match="expected results for 2 rows; returned 1"):
        list(row_pass.through([(documents(["a", "b"]), np.arange(2, dtype=np.uint32))]))


def test_what_is_remembered_of_rows_grows_with_them():
    judged = JudgedRows()
    for start in range(0, 20_000, 100):
        judged.enter(documents(["a"] * 100), np.arange(start, start + 100, dtype=np.uint32))
    assert 20_000 <= len(judged.gone) <= 40_000
