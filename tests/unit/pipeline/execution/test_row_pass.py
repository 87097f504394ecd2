"""Fused row operators: verdicts applied, edits made, failing rows isolated, examples chosen."""

import errno
import random
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import OperatorError, StorageError
from pipeline.execution.judged_rows import JudgedRows
from pipeline.execution.poison.rows import Harm, Isolation, PoisonRow
from pipeline.execution.row_pass import EXAMPLE_CHARS, OpenOperator, RowPass, open_chain
from pipeline.ledger import Action, LedgerBuilder
from pipeline.operator import Edits, Verdicts
from tests.unit.pipeline.sample_operators import MinChars, NumChars, SeenTogether, Shout, doc_ids, documents


def carry(operators, batch, *, examples=3, rows=None):
    """(table of what is left, its row numbers, ledger, examples) after operators or opened ones."""
    ledger = LedgerBuilder()
    opened = tuple(one if isinstance(one, OpenOperator) else open_chain((one,))[0] for one in operators)
    row_pass = RowPass(opened, ledger, examples)
    rows = np.arange(batch.num_rows, dtype=np.uint32) if rows is None else rows
    pieces = list(row_pass.through([(batch, rows)]))
    table = pa.Table.from_batches([piece for piece, _ in pieces]) if pieces else None
    return table, [int(row) for _, part in pieces for row in part], ledger, row_pass.examples()


def ledger_rows(ledger):
    return [(row["row"], row["operator"], row["action"], row["rule"]) for row in ledger.table().to_pylist()]


def test_annotate_filter_and_transform_in_one_pass():
    table, rows, ledger, _ = carry((NumChars(), MinChars(min_chars=2), Shout()), documents(["a", "bb", "", "CC"]))
    assert table.to_pydict() == {"doc_id": [doc_ids(4)[1], doc_ids(4)[3]], "text": ["BB", "CC"], "num_chars": [2, 2]}
    assert rows == [1, 3]
    assert ledger_rows(ledger) == [
        (0, "min_chars", "drop", "too_short"), (1, "shout", "edit", "raised"), (2, "min_chars", "drop", "too_short"),
    ]  # fmt: skip
    assert [(row["value"], row["threshold"]) for row in ledger.table().to_pylist()] == [(1, 2), (2, None), (0, 2)]


def test_row_numbers_follow_the_rows_through_gaps():
    _, rows, ledger, _ = carry((MinChars(),), documents(["aa", "b", "cc"]), rows=np.array([4, 9, 11], np.uint32))
    assert rows == [4, 11]
    assert ledger_rows(ledger) == [(9, "min_chars", "drop", "too_short")]


def test_a_later_operator_sees_what_an_earlier_one_left():
    assert carry((Shout(), MinChars(without="B")), documents(["ab", "cd"]))[1] == [1]
    assert carry((MinChars(without="B"), Shout()), documents(["ab", "cd"]))[1] == [0, 1]


def test_nothing_in_nothing_out():
    assert carry((NumChars(),), documents([]))[:2] == (None, [])
    assert carry((MinChars(), NumChars(fails_on="")), documents(["a", "b"]))[:2] == (None, [])


@settings(max_examples=30, deadline=None, derandomize=True)
@given(texts=st.lists(st.sampled_from(["", "a", "bb", "!", "c!c", "DDD"]), max_size=20))
def test_a_failing_row_leaves_alone(texts):
    table, rows, ledger, _ = carry((NumChars(fails_on="!"), MinChars(), Shout()), documents(texts))
    kept = [row for row, text in enumerate(texts) if "!" not in text and len(text) >= 2]
    assert rows == kept
    assert (table.column("text").to_pylist() if table else []) == [texts[row].upper() for row in kept]
    assert ledger.counts[Action.QUARANTINE] == sum("!" in text for text in texts)
    assert ledger.counts[Action.DROP] == sum(len(text) < 2 and "!" not in text for text in texts)


def test_a_quarantined_row_tells_kind_and_place_but_no_text():
    _, _, ledger, _ = carry((NumChars(fails_on="secret"),), documents(["fine", "a secret text"]))
    (row,) = ledger.table().to_pylist()
    assert (row["row"], row["action"], row["rule"]) == (1, "quarantine", "ValueError")
    assert row["detail"].startswith("in annotate, line ")
    assert "secret" not in str(row)


def test_survivors_and_details_of_dropped_rows_reach_the_ledger():
    ids = doc_ids(3, first=7)
    found = Verdicts(
        keep=np.array([False, True, False]),
        rule=np.zeros(3, np.int16),
        value=np.ones(3),
        threshold=np.ones(3),
        survivor=pa.array([ids[1], ids[0], None], pa.binary(16)),
        detail=pa.array(["first", "second", "third"]),
    )
    _, _, ledger, _ = carry((answer(MinChars(), found),), documents(["a", "b", "c"]))
    entries = [(row["row"], row["survivor"], row["detail"]) for row in ledger.table().to_pylist()]
    assert entries == [(0, ids[1], "first"), (2, None, "third")]


def test_every_rule_that_edited_a_row_reaches_the_ledger():
    class Mask(Shout):
        def rules(self):
            return ("names", "numbers", "marks")

    sizes = np.array([[0, 2, 1], [0, 0, 0], [3, 0, np.nan]])
    found = Edits(documents(["x", "b", "y"]).select(["text"]), sizes)
    table, _, ledger, _ = carry(
        (answer(Mask(), found),), documents(["a", "b", "c"]), rows=np.array([4, 5, 9], np.uint32)
    )
    assert table["text"].to_pylist() == ["x", "b", "y"]
    listed = [(row["row"], row["rule"], row["value"], row["threshold"]) for row in ledger.table().to_pylist()]
    assert listed == [(4, "numbers", 2, None), (4, "marks", 1, None), (9, "names", 3, None), (9, "marks", None, None)]
    assert ledger.rules == {"shout/edit/names": 1, "shout/edit/numbers": 1, "shout/edit/marks": 2}
    assert ledger.counts[Action.EDIT] == 4
    assert found.edited.tolist() == [True, False, True]


def answer(operator, value):
    return OpenOperator(operator, operator.name, operator.name, lambda batch: value)  # noqa: ARG005


def carry_cut(operators, texts, batch_rows, *, judged=None):
    """As `carry`, in batches of so many rows: the rows that are left with their numbers, and the ledger's."""
    batch, rows, ledger = documents(texts), np.arange(len(texts), dtype=np.uint32), LedgerBuilder()
    row_pass = RowPass(open_chain(operators), ledger, 0, judged=judged)

    def flow():
        for start in range(0, len(texts), batch_rows):
            part = batch.slice(start, batch_rows), rows[start : start + batch_rows]
            if judged is not None:
                judged.enter(*part)
            yield part

    left = [piece if judged is None else judged.left(*piece) for piece in row_pass.through(flow())]
    return [pair for part, numbers in left for pair in zip(numbers.tolist(), part.to_pylist(), strict=True)], (
        ledger.table().to_pylist()
    )


WINDOWED = (NumChars(), MinChars(min_chars=2), SeenTogether(fails_on="?"), Shout(), MinChars(without="BB"))
PIECES = st.lists(st.sampled_from(["", "a", "bb", "ccc", "d?d", "eeeee"]), max_size=24)


def test_an_operator_with_windows_sees_so_many_rows_that_are_there_at_its_place():
    found, _ = carry_cut(WINDOWED, ["aa", "b", "cc", "dd", "ee", "f", "gg", "hhh"], 3)
    assert [(row, document["together"]) for row, document in found] == [(0, 8), (2, 8), (3, 8), (4, 8), (6, 5), (7, 5)]


def test_a_row_on_which_a_window_fails_leaves_alone():
    found, ledger = carry_cut(WINDOWED, ["aa", "b?b", "cc", "dd", "ee"], 2)
    assert [row for row, _ in found] == [0, 2, 3, 4]
    assert [(row["row"], row["operator"]) for row in ledger if row["action"] == "quarantine"] == [(1, "seen_together")]


@settings(max_examples=60, deadline=None, derandomize=True)
@given(texts=PIECES, batch_rows=st.integers(1, 9))
def test_how_rows_arrive_changes_no_window(texts, batch_rows):
    assert carry_cut(WINDOWED, texts, batch_rows) == carry_cut(WINDOWED, texts, 100)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(texts=PIECES, batch_rows=st.integers(1, 9))
def test_rows_that_are_gone_change_no_window_when_they_go_on(texts, batch_rows):
    assert carry_cut(WINDOWED, texts, batch_rows, judged=JudgedRows()) == carry_cut(WINDOWED, texts, 100)


@pytest.mark.parametrize(
    "error", [MemoryError(), StorageError("store is gone"), OSError(errno.EMFILE, "no more files")]
)
def test_what_is_no_rows_fault_is_raised(error):
    def fail(batch):
        del batch
        raise error

    with pytest.raises(type(error)):
        carry((OpenOperator(NumChars(), "num_chars", "num_chars", fail),), documents(["a", "b"]))


def with_memory_for(num_rows, operator=None):
    """An operator, opened, that gets no memory for more rows than that at once."""
    operator = operator or NumChars()
    call = operator.open()

    def short(batch):
        if batch.num_rows > num_rows:
            raise MemoryError("malloc of size 1000 failed")
        return call(batch)

    return OpenOperator(operator, operator.name, operator.name, short)


@pytest.mark.parametrize("num_rows", [1, 3])
def test_with_little_memory_an_operator_gets_fewer_rows_at_a_time(num_rows):
    texts = ["a", "bb", "", "dddd", "e", "ff", "g"]
    table, rows, ledger, _ = carry([with_memory_for(num_rows)], documents(texts))
    assert table["num_chars"].to_pylist() == list(map(len, texts))
    assert rows == list(range(7))
    assert not ledger.parts


def test_a_row_for_which_there_is_no_memory_is_not_at_fault():
    with pytest.raises(MemoryError, match=r"^none for operator num_chars on rows 4 to 4, \d+ bytes$") as caught:
        carry([with_memory_for(0)], documents(["a", "b"]), rows=np.array([4, 9], np.uint32))
    assert str(caught.value.__cause__) == "malloc of size 1000 failed"


def test_rows_that_an_operator_must_see_together_are_not_parted_for_want_of_memory():
    with pytest.raises(MemoryError, match="none for operator seen_together on rows 0 to 3, "):
        carry([NumChars(), with_memory_for(2, SeenTogether())], documents(["a", "b", "c", "d"]))


def ints(count, name="num_chars", kind=None):
    return pa.record_batch({name: pa.array(range(count), kind or pa.int64())})


def verdicts(keep, rule=None, value=None, threshold=None, numbers=None, survivor=None, detail=None):
    return Verdicts(
        keep=np.zeros(keep, bool),
        rule=np.array(numbers or [0] * (keep if rule is None else rule), np.int16),
        value=np.zeros(keep if value is None else value),
        threshold=np.zeros(keep if threshold is None else threshold),
        survivor=survivor,
        detail=detail,
    )


def edits(columns, rows, rules=1):
    return Edits(columns=columns, sizes=np.ones((rows, rules)))


def texts(count, name="text", kind=None):
    return pa.record_batch({name: pa.array(["x"] * count, kind or pa.large_string())})


WRONG = {
    "annotator: too few rows": (NumChars(), ints(1), "expected results for 2 rows; returned 1"),
    "annotator: another name": (
        NumChars(),
        ints(2, "chars"),
        "declared columns num_chars: int64; returned chars: int64",
    ),
    "annotator: another type": (
        NumChars(),
        ints(2, kind=pa.int32()),
        "declared columns num_chars: int64; returned num_chars: int32",
    ),
    "filter: too few rows": (MinChars(), verdicts(1), "expected results for 2 rows; returned 1"),
    "filter: too few rules": (MinChars(), verdicts(2, rule=1), "expected results for 2 rows; returned 1"),
    "filter: too many values": (MinChars(), verdicts(2, value=3), "expected results for 2 rows; returned 3"),
    "filter: no thresholds": (MinChars(), verdicts(2, threshold=0), "expected results for 2 rows; returned 0"),
    "filter: a rule that is not there": (
        MinChars(),
        verdicts(2, numbers=[0, 2]),
        r"expected rules 0 to 1 \(.*\); returned 0 to 2",
    ),
    "filter: a negative rule": (
        MinChars(),
        verdicts(2, numbers=[0, -1]),
        r"expected rules 0 to 1 \(.*\); returned -1 to 0",
    ),
    "filter: too few survivors": (
        MinChars(),
        verdicts(2, survivor=pa.nulls(1, pa.binary(16))),
        "expected results for 2 rows; returned 1",
    ),
    "filter: survivors of another type": (
        MinChars(),
        verdicts(2, survivor=pa.nulls(2, pa.binary())),
        r"expected survivors as fixed_size_binary\[16\]; returned binary",
    ),
    "filter: details of another type": (
        MinChars(),
        verdicts(2, detail=pa.nulls(2, pa.binary())),
        "expected details as string; returned binary",
    ),
    "transform: a rule that is not there": (
        Shout(),
        edits(texts(2), 2, rules=2),
        r"expected the sizes of 1 rules \('raised',\) for each row; returned an array of shape \(2, 2\)",
    ),
    "transform: sizes of no rule": (
        Shout(),
        Edits(texts(2), np.ones(2)),
        r"expected the sizes of 1 rules \('raised',\) for each row; returned an array of shape \(2,\)",
    ),
    "transform: no text": (
        Shout(),
        edits(pa.record_batch([pa.array(["A", None], pa.large_string())], ["text"]), 2),
        "expected a value in every row of column 'text'; returned 1 nulls in 2 rows",
    ),
    "transform: too few rows": (Shout(), edits(texts(1), 2), "expected results for 2 rows; returned 1"),
    "transform: too few sizes": (Shout(), edits(texts(2), 1), "expected results for 2 rows; returned 1"),
    "transform: undeclared column": (
        Shout(),
        edits(texts(2, "doc_id"), 2),
        r"replaces columns \['doc_id'\], declared are \('text',\)",
    ),
    "transform: another type": (
        Shout(),
        edits(texts(2, kind=pa.string()), 2),
        "expected column 'text' as large_string; returned string",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_an_operator_that_breaks_its_contract_fails_as_a_whole(case):
    operator, result, message = WRONG[case]
    with pytest.raises(OperatorError, match=rf"^operator {operator.name}: {message}$") as caught:
        carry((answer(operator, result),), documents(["aa", "bb"]))
    assert "\n" not in str(caught.value)


def test_an_operator_that_does_not_open_is_named_with_the_cause():
    class Closed(NumChars):
        def open(self):
            raise RuntimeError("no model")

    with pytest.raises(
        OperatorError, match=r"^operator num_chars: could not be opened: RuntimeError: no model$"
    ) as caught:
        open_chain((Closed(),))
    assert isinstance(caught.value.__cause__, RuntimeError)


def test_an_error_of_ours_in_open_stays_as_it_is():
    class Closed(NumChars):
        def open(self):
            raise StorageError("file 'x': expected content digest")

    with pytest.raises(StorageError, match=r"^file 'x'"):
        open_chain((Closed(),))


# Examples


def shown(examples):
    return [(example["rule"], example["doc_id"], example["text"]) for example in examples]


@pytest.mark.parametrize("batch_rows", [1, 3, 100])
def test_examples_are_those_of_the_smallest_ids_however_rows_are_cut(batch_rows):
    ids = doc_ids(20)
    random.Random(1).shuffle(ids)
    texts = [chr(97 + n) for n in range(20)]
    ledger = LedgerBuilder()
    row_pass = RowPass(open_chain((MinChars(),)), ledger, 3)
    batch = documents(texts, ids)
    for start in range(0, 20, batch_rows):
        part = batch.slice(start, batch_rows)
        list(row_pass.through([(part, np.arange(start, start + part.num_rows, dtype=np.uint32))]))
    smallest = sorted(zip(ids, texts, strict=True))[:3]
    assert shown(row_pass.examples()) == [("too_short", doc_id.hex(), text) for doc_id, text in smallest]


def test_examples_are_cut_and_kept_by_rule():
    batch = documents(["long! " * 100, "a", "b!" * 2, "é" * 400 + "!"])
    found = carry((MinChars(without="!"),), batch, examples=2)[3]
    assert [(example["operator"], example["rule"]) for example in found] == [
        ("min_chars", "forbidden"), ("min_chars", "forbidden"), ("min_chars", "too_short"),
    ]  # fmt: skip
    assert found[0]["text"] == ("long! " * 100)[:EXAMPLE_CHARS]
    assert [len(example["text"]) for example in found] == [300, 4, 1]


def test_no_examples_where_none_are_asked_for_or_there_is_no_text():
    assert carry((MinChars(),), documents(["a"]), examples=0)[3] == ()
    without_id = documents(["a"]).select(["text"])
    assert carry((MinChars(),), without_id)[3] == ()


class RustPanic(BaseException):
    """As extensions written in Rust raise it: no `Exception`."""


def refuses(text, error):
    """An opened operator that raises `error` on a text."""
    (opened,) = open_chain((NumChars(),))

    def call(batch):
        if text in batch["text"].to_pylist():
            raise error
        return opened.call(batch)

    return replace(opened, call=call)


@pytest.mark.parametrize("error", [SystemExit(0), RustPanic()])
def test_whatever_an_operator_raises_is_its_rows_fault(error):
    table, rows, ledger, _ = carry((refuses("bad", error),), documents(["a", "bad", "cc"]))
    assert rows == [0, 2]
    assert table["num_chars"].to_pylist() == [1, 2]
    assert ledger_rows(ledger) == [(1, "num_chars", "quarantine", type(error).__name__)]


def test_an_interruption_is_nobodys_fault():
    with pytest.raises(KeyboardInterrupt):
        carry((refuses("bad", KeyboardInterrupt()),), documents(["a", "bad"]))


@pytest.mark.parametrize("judged", [False, True])
def test_poison_leaves_as_a_row_that_fails(judged):
    """Where dropped rows go on, one that a filter dropped is not quarantined as well."""
    texts = documents(["aaa", "b", "ccc", "d"])
    poison = tuple(PoisonRow(row, "num_chars", Harm.CRASHED, "SIGSEGV") for row in (1, 2))
    ledger = LedgerBuilder()
    row_pass = RowPass(
        open_chain((MinChars(min_chars=2), NumChars())),
        ledger,
        0,
        judged=JudgedRows() if judged else None,
        isolation=Isolation(poison),
    )
    rows = np.arange(4, dtype=np.uint32)
    if judged:
        row_pass._judged.enter(texts, rows)
    left = [int(row) for _, part in row_pass.through([(texts, rows)]) for row in part]
    assert left == ([0, 3] if judged else [0])
    assert ledger_rows(ledger) == [
        (1, "min_chars", "drop", "too_short"), (2, "num_chars", "quarantine", "crashed"),
        (3, "min_chars", "drop", "too_short"),
    ]  # fmt: skip
