"""Ledger rows, their order and their counts."""

import numpy as np
import pyarrow as pa

from pipeline.ledger import IDENTITY_SCHEMA, LEDGER_SCHEMA, Action, LedgerBuilder
from pipeline.operator import REMOVAL_SCHEMA

NAMES = ("first", "second")


def rows(*numbers):
    return np.array(numbers, np.uint32)


def add(builder, numbers, rule, *, operator="op", action=Action.DROP, value=1.0, threshold=2.0):
    size = len(numbers)
    builder.add_verdicts(
        operator,
        action,
        NAMES,
        rows(*numbers),
        rule=np.array(rule, np.int16),
        value=np.full(size, value),
        threshold=None if threshold is None else np.full(size, threshold),
    )


def test_an_empty_ledger_has_its_schema():
    builder = LedgerBuilder()
    add(builder, [], [])
    assert builder.table().schema == LEDGER_SCHEMA
    assert builder.table().num_rows == 0
    assert builder.counts == {Action.DROP: 0, Action.EDIT: 0, Action.QUARANTINE: 0}
    assert builder.rules == {}


def test_verdicts_carry_rule_value_and_threshold():
    builder = LedgerBuilder()
    add(builder, [3, 1], [1, 0], value=np.nan)
    assert builder.table().to_pylist() == [
        {"row": row, "operator": "op", "action": "drop", "rule": rule, "value": None, "threshold": 2.0,
         "survivor": None, "detail": None}
        for row, rule in ((1, "first"), (3, "second"))
    ]  # fmt: skip
    assert builder.rules == {"op/drop/first": 1, "op/drop/second": 1}


def test_verdicts_may_name_who_stays():
    builder = LedgerBuilder()
    builder.add_verdicts(
        "op",
        Action.DROP,
        NAMES,
        rows(4, 2),
        rule=np.zeros(2, np.int16),
        value=np.ones(2),
        threshold=None,
        survivor=pa.array([None, b"s" * 16], pa.binary(16)),
    )
    assert builder.table()["survivor"].to_pylist() == [b"s" * 16, None]


def test_verdicts_may_say_what_was_found():
    builder = LedgerBuilder()
    ones = np.ones(2)
    details = pa.array([None, "so"])
    builder.add_verdicts(
        "op", Action.DROP, NAMES, rows(4, 2), rule=np.zeros(2, np.int16), value=ones, threshold=None, detail=details
    )
    builder.add_quarantine("b", 3, "ValueError", "in f, line 1")
    assert builder.table()["detail"].to_pylist() == ["so", "in f, line 1", None]


def test_edits_have_no_threshold():
    builder = LedgerBuilder()
    add(builder, [0], [0], action=Action.EDIT, value=4.0, threshold=None)
    (row,) = builder.table().to_pylist()
    assert (row["action"], row["value"], row["threshold"]) == ("edit", 4.0, None)


def test_rows_are_in_order_and_what_happened_to_one_stays_in_its_order():
    builder = LedgerBuilder()
    add(builder, [5, 2], [0, 0], operator="a", action=Action.EDIT, threshold=None)
    builder.add_quarantine("b", 5, "ValueError", "in f, line 1")
    add(builder, [0, 2], [1, 1], operator="c")
    found = [(row["row"], row["operator"]) for row in builder.table().to_pylist()]
    assert found == [(0, "c"), (2, "a"), (2, "c"), (5, "a"), (5, "b")]


def test_counts_add_up_over_calls():
    builder = LedgerBuilder()
    add(builder, [0, 1, 2], [0, 1, 1])
    add(builder, [3], [1])
    builder.add_quarantine("op", 4, "ValueError", "")
    assert builder.rules == {"op/drop/first": 1, "op/drop/second": 3, "op/quarantine/ValueError": 1}
    assert builder.counts == {Action.DROP: 4, Action.EDIT: 0, Action.QUARANTINE: 1}
    assert builder.table().num_rows == sum(builder.counts.values())


def test_removals_keep_their_survivor():
    builder = LedgerBuilder()
    removals = pa.RecordBatch.from_pylist(
        [
            {"position": 9, "rule": "later", "value": 2.0, "threshold": None, "survivor": b"s" * 16},
            {"position": 7, "rule": "other", "value": None, "threshold": 0.7, "survivor": None},
        ],
        REMOVAL_SCHEMA,
    )
    builder.add_removals("keep_first", removals, rows(9, 7))
    second, first = reversed(builder.table().to_pylist())
    assert (first["row"], first["rule"], first["threshold"], first["survivor"]) == (7, "other", 0.7, None)
    assert (second["row"], second["rule"], second["value"], second["survivor"]) == (9, "later", 2.0, b"s" * 16)
    assert builder.rules == {"keep_first/drop/later": 1, "keep_first/drop/other": 1}


def test_no_column_can_hold_a_text():
    """What a ledger holds is known column by column; a text column would be a leak."""
    assert LEDGER_SCHEMA.names == ["row", "operator", "action", "rule", "value", "threshold", "survivor", "detail"]
    assert IDENTITY_SCHEMA.names == ["doc_id", "input_id", "split", "offset"]


def test_many_entries_of_a_row_stay_in_their_order():
    """A sort that is not stable shows from some twenty rows on."""
    builder = LedgerBuilder()
    for number in range(100):
        builder.add_quarantine(f"o{number:03d}", number % 2, "ValueError", "")
    found = [(row["row"], row["operator"]) for row in builder.table().to_pylist()]
    assert found == sorted(found)
