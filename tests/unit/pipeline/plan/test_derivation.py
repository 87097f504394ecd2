from typing import ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.execution.row_pass import RowPass, open_alone, open_chain
from pipeline.ledger import LedgerBuilder
from pipeline.operator import Annotator, Edits, Transform
from pipeline.plan.derivation import derive, fed
from pipeline.rule_set import Limit, RuleSet

TEXT = pa.schema([pa.field("text", pa.large_string())])
RUNS: list[int] = []
"""Rows of every batch that was counted."""


class Counts(Annotator):
    """How often each of some letters occurs."""

    name: ClassVar[str] = "counts"
    letters: tuple[str, ...]

    def requires(self):
        return TEXT

    def adds(self):
        return pa.schema([pa.field(f"num_{letter}", pa.int64()) for letter in self.letters])

    def merged(self, other):
        if not isinstance(other, Counts):
            return None
        return Counts(letters=tuple(sorted({*self.letters, *other.letters})))

    def open(self):
        def annotate(batch):
            RUNS.append(batch.num_rows)
            columns = [pc.count_substring(batch["text"], letter).cast(pa.int64()) for letter in self.letters]
            return pa.RecordBatch.from_arrays(columns, schema=self.adds())

        return annotate


class AtMost(RuleSet):
    """At most `most` of a letter."""

    name: ClassVar[str] = "at_most"
    letter: str
    most: int = 1

    def derives(self):
        return (Counts(letters=(self.letter,)),)

    def limits(self):
        return (Limit("too_many", "max", self.most),)

    def open_measure(self):
        return lambda batch: batch[f"num_{self.letter}"].to_numpy().astype(np.float64)[:, None]


class Without(Transform):
    """The text without one letter."""

    name: ClassVar[str] = "without"
    letter: str

    def requires(self):
        return TEXT

    def rules(self):
        return ("removed",)

    def replaces(self):
        return ("text",)

    def open(self):
        def edit(batch):
            text = pc.replace_substring(batch["text"], self.letter, "")
            sizes = pc.count_substring(batch["text"], self.letter).to_numpy().astype(np.float64)
            return Edits(pa.RecordBatch.from_pydict({"text": text}), sizes[:, None])

        return edit


def batch_of(*texts):
    return pa.RecordBatch.from_pydict({"text": pa.array(texts, pa.large_string())})


def through(operators, batch):
    RUNS.clear()
    ledger = LedgerBuilder()
    row_pass = RowPass(open_chain(operators), ledger, 0)
    pieces = list(row_pass.through([(batch, np.arange(batch.num_rows, dtype=np.uint32))]))
    return pa.Table.from_batches([piece for piece, _ in pieces], batch.schema), ledger.table()


def test_neighbours_share_one_pass_and_its_columns_leave_with_the_last_reader():
    links = derive((AtMost(letter="a"), AtMost(letter="b")))
    assert [link.operator.name for link in links] == ["counts", "at_most", "at_most"]
    assert links[0].operator == Counts(letters=("a", "b"))
    assert links[1].reads_derived == ("num_a",)
    assert links[1].last_readers_of == ()
    assert set(links[2].last_readers_of) == {"num_a", "num_b"}


def test_an_edit_ends_the_sharing_and_what_follows_measures_the_edited_text():
    chain = (AtMost(letter="a"), Without(letter="b"), AtMost(letter="a"), AtMost(letter="b", most=0))
    assert [link.operator.name for link in derive(chain)] == [
        "counts", "at_most", "without", "counts", "at_most", "at_most",
    ]  # fmt: skip
    left, ledger = through(chain, batch_of("ab", "aa", "bb"))
    assert left["text"].to_pylist() == ["a", ""]
    assert ledger["action"].to_pylist() == ["edit", "drop", "edit"]
    assert RUNS == [3, 2]


def test_an_annotator_of_other_columns_ends_no_sharing():
    chain = (AtMost(letter="a"), Counts(letters=("x",)), AtMost(letter="b"))
    assert derive(chain)[0].operator == Counts(letters=("a", "b"))


def test_derived_columns_stand_before_columns_of_the_same_name_and_leave_them_alone():
    batch = batch_of("aaa", "a").append_column(pa.field("num_a", pa.int64()), pa.array([0, 7]))
    left, _ = through((AtMost(letter="a"),), batch)
    assert left.to_pydict() == {"text": ["a"], "num_a": [7]}


def test_what_a_stage_is_fed_with_is_what_no_operator_of_it_changes_first():
    chain = (AtMost(letter="a"), AtMost(letter="b"), Without(letter="b"), AtMost(letter="c"))
    assert fed(chain) == (Counts(letters=("a", "b")),)
    assert fed(chain[2:]) == ()
    assert [link.operator.name for link in derive(chain, given=fed(chain))] == [
        "at_most", "at_most", "without", "counts", "at_most",
    ]  # fmt: skip


def test_what_the_stage_before_did_not_measure_is_measured():
    links = derive((AtMost(letter="a"), AtMost(letter="b")), given=(Counts(letters=("a",)),))
    assert [link.operator.name for link in links] == ["at_most", "counts", "at_most"]
    assert links[1].operator == Counts(letters=("b",))


def test_two_stages_leave_what_one_does_and_the_second_measures_nothing():
    first, second = (Without(letter="x"), AtMost(letter="a")), (AtMost(letter="b"), AtMost(letter="a", most=0))
    batch = batch_of("axx", "bb", "aa", "bxc", "xbc")
    whole, whole_ledger = through((*first, *second), batch)
    given = fed(second)
    ledger = LedgerBuilder()
    flow = [(batch, np.arange(batch.num_rows, dtype=np.uint32))]
    labels = ("at_most#2", "at_most#3")
    handed = list(RowPass(open_chain(first, feeds=given, feeds_at=labels[0]), ledger, 0).through(flow))
    RUNS.clear()
    pieces = list(RowPass(open_chain(second, labels, given=given), ledger, 0).through(handed))
    assert pa.Table.from_batches([piece for piece, _ in pieces], batch.schema) == whole
    assert ledger.table() == whole_ledger
    assert RUNS == []


def test_one_operator_alone_runs_what_it_derives_from():
    assert open_alone(AtMost(letter="a"))(batch_of("aa", "b")).keep.tolist() == [False, True]
