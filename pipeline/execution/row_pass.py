"""Carries batches through fused row operators: applies their verdicts, isolates failing rows, keeps the ledger."""

from collections.abc import Callable, Iterable, Iterator, Sequence, Sized
from dataclasses import dataclass
from functools import partial
from heapq import nsmallest
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline.document import DOC_ID, DOC_ID_TYPE, TEXT
from pipeline.errors import NO_OPERATORS_FAULT, FallBackNeeded, OperatorError
from pipeline.execution.judged_rows import JudgedRows
from pipeline.execution.poison.progress import Progress
from pipeline.execution.poison.rows import Isolation
from pipeline.execution.row_order import leading_words
from pipeline.execution.windows import Piece, joined, windows
from pipeline.io.system_errors import is_refusal
from pipeline.ledger import Action, LedgerBuilder
from pipeline.operator import (
    Annotator,
    BoolArray,
    Edits,
    Filter,
    FloatArray,
    RowOperator,
    RuleArray,
    Transform,
    Verdicts,
    labels_of,
)
from pipeline.plan.derivation import Link, derive
from pipeline.rule_set import RuleSet, judge

Rows = npt.NDArray[np.uint32]
Opened = TypeVar("Opened")
EXAMPLE_CHARS = 300
DERIVED = "derived:"
"""Stands before the name of a column that only the operators that derive from it see."""

RowFunction = Callable[[pa.RecordBatch], Any]  # Any: RecordBatch, Verdicts, Measured or Edits, by the kind


@dataclass(frozen=True, slots=True)
class Measured:
    """What a rule set measured on D documents, and its verdicts."""

    values: FloatArray  # (D, R)
    verdicts: Verdicts


@dataclass(frozen=True, slots=True)
class OpenOperator:
    """An operator and the function that its `open` returned on this worker."""

    operator: RowOperator
    label: str
    """What the ledger calls it."""
    stands_at: str
    """Label of the step's operator that it is, or that it runs before because that one derives from it."""
    call: RowFunction
    is_derived: bool = False
    """Whether it is an annotator whose columns only some operators behind it see."""
    forgets: frozenset[str] = frozenset()
    """Such columns that nothing behind it reads, with their prefix."""

    @property
    def is_windowed(self) -> bool:
        """Whether its results may depend on which rows it sees together."""
        return isinstance(self.operator, Annotator) and self.operator.window_rows is not None


def open_chain(
    operators: Sequence[RowOperator],
    labels: Sequence[str] | None = None,
    *,
    with_values: bool = False,
    given: Sequence[Annotator] = (),
    feeds: Sequence[Annotator] = (),
    feeds_at: str = "",
    progress: Progress | None = None,
) -> tuple[OpenOperator, ...]:
    """Opens operators that work on rows, and the annotators that they derive from.

    Args:
        operators: in their order.
        labels: of the operators; default: as if they were a whole step.
        with_values: whether rule sets give what they measured beside their verdicts.
        given: annotators whose columns the stage before left.
        feeds: annotators whose columns are left for the next stage.
        feeds_at: label of the operator that they are left for.
        progress: is told which operator is being opened.
    """
    names = labels_of([operator.title for operator in operators]) if labels is None else labels
    judged: list[tuple[RowOperator, str]] = []
    for operator, label in zip(operators, names, strict=True):
        leading = operator.leading() if isinstance(operator, RuleSet) and not with_values else None
        judged += [(operator, label)] if leading is None else [(leading, label), (operator, label)]
    links = derive([operator for operator, _ in judged], given=given, feeds=feeds)
    waiting = [*(label for _, label in judged), feeds_at]
    return _open_links(links, waiting, progress or Progress(), with_values=with_values)


def _open_links(
    links: Sequence[Link], labels: Sequence[str], progress: Progress, *, with_values: bool = False
) -> tuple[OpenOperator, ...]:
    """Opens the operators of links, of which those that are not derived have `labels`, one after the other."""
    chain = []
    waiting = list(labels)
    for link in links:
        chain.append(_open_link(link, waiting[0], progress, with_values=with_values))
        if not link.is_derived:
            del waiting[0]
    return tuple(chain)


def open_alone(operator: RowOperator) -> RowFunction:
    """The function of one operator, which runs what it derives from by itself."""
    *derived, last = _open_links(derive([operator]), [operator.title], Progress())

    def call(batch: pa.RecordBatch) -> Any:  # Any: by the operator's kind
        for annotator in derived:
            batch = _annotated(annotator, batch, annotator.call(batch))
        return last.call(batch)

    return call


def _open_link(link: Link, label: str, progress: Progress, *, with_values: bool) -> OpenOperator:
    operator = link.operator
    assert isinstance(operator, Annotator | Filter | Transform)
    function: RowFunction
    try:
        with progress.opening(operator.title if link.is_derived else label):
            if with_values and isinstance(operator, RuleSet):
                function = opened(label, partial(_open_measured, operator))
            else:
                function = opened(operator.title, operator.open)
    except FallBackNeeded as asked:
        raise _asked_by(label, asked) from asked
    forgets = frozenset(DERIVED + name for name in link.last_readers_of)
    call = partial(_call_seen, function, link.reads_derived) if link.reads_derived else function
    return OpenOperator(operator, operator.title if link.is_derived else label, label, call, link.is_derived, forgets)


def _open_measured(rule_set: RuleSet) -> Callable[[pa.RecordBatch], Measured]:
    measure = rule_set.open_values()
    limits = rule_set.limits()

    def measured(batch: pa.RecordBatch) -> Measured:
        values = measure(batch)
        return Measured(values, judge(values, limits))

    return measured


def _call_seen(function: RowFunction, derived: tuple[str, ...], batch: pa.RecordBatch) -> Any:  # Any: as RowFunction
    return function(_seen(batch, derived))


def _seen(batch: pa.RecordBatch, derived: tuple[str, ...]) -> pa.RecordBatch:
    """The batch as an operator sees it that derives from the columns `derived`: they stand before others so named."""
    columns = {name: batch[name] for name in batch.schema.names if not name.startswith(DERIVED)}
    return pa.RecordBatch.from_pydict(columns | {name: batch[DERIVED + name] for name in derived})


def opened(name: str, open_function: Callable[[], Opened]) -> Opened:
    """What the `open` of the operator called `name` gives; a failure here is the operator's, not a row's."""
    try:
        return open_function()
    except (*NO_OPERATORS_FAULT, MemoryError):
        raise
    except BaseException as error:
        raise OperatorError(f"operator {name}: could not be opened: {type(error).__name__}: {error}") from error


class RowPass:
    """One shard's way through row operators. Make a new one for each shard; the opened operators are shared.

    Args:
        operators: opened; each batch goes through all of them in order.
        ledger: takes what happens to rows.
        examples_per_rule: how many dropped texts to keep.
        examples: those that earlier stages kept of the same shard.
        judged: takes what every rule says, so that dropped rows go on through the operators; None: they leave.
        progress: is told which operator is called with which rows.
        isolation: which rows operators are not shown, or not in company.
    """

    def __init__(
        self,
        operators: tuple[OpenOperator, ...],
        ledger: LedgerBuilder,
        examples_per_rule: int,
        examples: tuple[dict[str, str], ...] = (),
        judged: JudgedRows | None = None,
        *,
        progress: Progress | None = None,
        isolation: Isolation | None = None,
    ) -> None:
        self._operators = operators
        self._progress = progress or Progress()
        self._isolation = isolation or Isolation()
        self._ledger = ledger
        self._judged = judged
        for opened in operators:
            if judged is not None and isinstance(opened.operator, Filter):
                judged.declare(opened.label, opened.operator)
        self._examples_per_rule = examples_per_rule
        self._examples: dict[tuple[str, str], list[tuple[bytes, str]]] = {}
        for kept in examples:
            place = kept["operator"], kept["rule"]
            self._examples.setdefault(place, []).append((bytes.fromhex(kept["doc_id"]), kept["text"]))

    def through(self, flow: Iterable[Piece]) -> Iterator[Piece]:
        """What is left of a shard's rows behind the last operator, in order, in pieces of any size.

        Args:
            flow: all rows of the shard, in order. No more are taken than the next piece needs.
        """
        left = iter(flow)
        for opened in self._operators:
            left = self._over(opened, left)
        return left

    def examples(self) -> tuple[dict[str, str], ...]:
        """Starts of a few dropped texts per rule: of the smallest doc_ids, so the choice is the same every run.

        Those of earlier stages are among them: how operators are cut into stages does not show.
        """
        return tuple(
            {"operator": operator, "rule": rule, "doc_id": doc_id.hex(), "text": text}
            for (operator, rule), kept in sorted(self._examples.items())
            for doc_id, text in sorted(kept)
        )

    def _over(self, opened: OpenOperator, flow: Iterator[Piece]) -> Iterator[Piece]:
        """The flow behind one operator."""
        operator = opened.operator
        if isinstance(operator, Annotator) and operator.window_rows is not None:
            for window, rows in windows(flow, operator.window_rows, None if self._judged is None else self._is_here):
                left = [piece for part in self._here_and_gone(window, rows) for piece in self._through(opened, *part)]
                if left:
                    yield joined(left)
            return
        for batch, rows in flow:
            if batch.num_rows:
                yield from (left for left in self._through(opened, batch, rows) if left[0].num_rows)

    def _is_here(self, rows: Rows) -> BoolArray:
        """Which rows no filter has dropped, where dropped rows go on."""
        assert self._judged is not None
        return ~self._judged.gone[rows]

    def _here_and_gone(self, window: pa.RecordBatch, rows: Rows) -> list[Piece]:
        """The rows of a window that no filter has dropped, and the others: what is gone changes no result."""
        if self._judged is None:
            return [(window, rows)]
        here = self._is_here(rows)
        parts = [(window.filter(pa.array(mask)), rows[mask]) for mask in (here, ~here)]
        return [part for part in parts if part[0].num_rows]

    def _through(self, opened: OpenOperator, batch: pa.RecordBatch, rows: Rows) -> Iterator[Piece]:
        operator = opened.operator
        for result, part, part_rows in self._results(opened, batch, rows):
            if isinstance(operator, Annotator):
                left, left_rows = _annotated(opened, part, result), part_rows
            elif isinstance(operator, Filter):
                left, left_rows = self._filtered(opened, operator, part, part_rows, result)
            else:
                left, left_rows = self._transformed(opened, operator, part, part_rows, result)
            yield (left.drop_columns(list(opened.forgets)) if opened.forgets else left), left_rows

    def _results(
        self, opened: OpenOperator, batch: pa.RecordBatch, rows: Rows
    ) -> Iterator[tuple[Any, pa.RecordBatch, Rows]]:  # Any: by the operator's kind
        """Results for `batch`, without the rows that the operator must not be shown: these are quarantined."""
        poison = self._isolation.poison_at(opened.label, rows)
        for one in poison:
            self._quarantine(opened, one.row, one.harm.value, one.detail)
        for part, part_rows in self._isolation.parts(opened.label, batch, rows, poison):
            yield from self._isolated(opened, part, part_rows)

    def _isolated(
        self, opened: OpenOperator, batch: pa.RecordBatch, rows: Rows
    ) -> Iterator[tuple[Any, pa.RecordBatch, Rows]]:  # Any: by the operator's kind
        """Results for `batch`; rows on which the operator fails are found by halving and quarantined."""
        try:
            with self._progress.rows(opened.label, rows, is_window=opened.is_windowed):
                result = opened.call(batch)
            self._isolation.note_returned(opened.label)
        except FallBackNeeded as asked:
            raise _asked_by(opened.stands_at, asked) from asked
        except NO_OPERATORS_FAULT:
            raise
        except MemoryError as error:
            # Half of the rows may fit. One for which there is no memory is not at fault: elsewhere there may be.
            if batch.num_rows == 1 or opened.is_windowed:
                place = f"rows {rows[0]} to {rows[-1]}, {batch.nbytes} bytes"
                raise MemoryError(f"none for operator {opened.label} on {place}") from error
        except BaseException as error:  # whatever else an operator raises on a row is that row's fault
            if is_refusal(error):
                raise
            if batch.num_rows == 1:
                # The message may quote the document, so only the kind of error and its place are kept.
                self._quarantine(opened, int(rows[0]), type(error).__name__, _place(error))
                return
        else:
            yield result, batch, rows
            return
        half = batch.num_rows // 2
        yield from self._isolated(opened, batch.slice(0, half), rows[:half])
        yield from self._isolated(opened, batch.slice(half), rows[half:])

    def _quarantine(self, opened: OpenOperator, row: int, reason: str, detail: str) -> None:
        """Quarantines a row, unless a filter had dropped it before."""
        if self._judged is not None and self._judged.fail(row, opened.stands_at):
            return
        self._ledger.add_quarantine(opened.label, row, reason, detail)

    def _filtered(
        self, opened: OpenOperator, operator: Filter, batch: pa.RecordBatch, rows: Rows, result: Verdicts | Measured
    ) -> tuple[pa.RecordBatch, Rows]:
        verdicts = result.verdicts if isinstance(result, Measured) else result
        _expect_length(operator, batch, verdicts.keep, verdicts.rule, verdicts.value, verdicts.threshold)
        survivor = _of_type(operator, batch, "survivors", verdicts.survivor, DOC_ID_TYPE)
        detail = _of_type(operator, batch, "details", verdicts.detail, pa.string())
        gone = ~verdicts.keep
        _expect_rules(operator, operator.rules(), verdicts.rule[gone])
        if self._judged is not None:
            gone &= self._note(self._judged, opened, rows, result)
        if not gone.any():
            return batch, rows
        self._ledger.add_verdicts(
            opened.label,
            Action.DROP,
            operator.rules(),
            rows[gone],
            rule=verdicts.rule[gone],
            value=verdicts.value[gone],
            threshold=verdicts.threshold[gone],
            survivor=None if survivor is None else survivor.filter(pa.array(gone)),
            detail=None if detail is None else detail.filter(pa.array(gone)),
        )
        self._keep_examples(opened, operator.rules(), batch, np.where(gone, verdicts.rule, -1))
        if self._judged is not None:
            self._judged.drop(rows[gone])
            return batch, rows
        return batch.filter(pa.array(verdicts.keep)), rows[verdicts.keep]

    @staticmethod
    def _note(judged: JudgedRows, opened: OpenOperator, rows: Rows, result: Verdicts | Measured) -> BoolArray:
        """Keeps what a filter says about rows; returns which of them no filter had dropped before."""
        if isinstance(result, Measured):
            judged.values[opened.label].append((rows, result.values))
        else:
            judged.broken[opened.label].append((rows, np.where(result.keep, -1, result.rule).astype(np.int16)))
        return ~judged.gone[rows]

    def _transformed(
        self, opened: OpenOperator, operator: Transform, batch: pa.RecordBatch, rows: Rows, edits: Edits
    ) -> tuple[pa.RecordBatch, Rows]:
        _expect_length(operator, batch, edits.columns, edits.sizes)
        if edits.sizes.shape[1:] != (len(operator.rules()),):
            raise OperatorError(
                f"operator {operator.name}: expected the sizes of {len(operator.rules())} rules {operator.rules()} for "
                f"each row; returned an array of shape {edits.sizes.shape}"
            )
        undeclared = sorted(set(edits.columns.schema.names) - set(operator.replaces()))
        if undeclared:
            raise OperatorError(
                f"operator {operator.name}: replaces columns {undeclared}, declared are {operator.replaces()}"
            )
        for field in edits.columns.schema:
            wanted = batch.schema.field(field.name).type
            if field.type != wanted:
                raise OperatorError(
                    f"operator {operator.name}: expected column {field.name!r} as {wanted}; returned {field.type}"
                )
        _expect_values(operator, edits.columns, batch.schema)
        sizes = edits.sizes if self._judged is None else np.where(self._judged.gone[rows][:, None], 0, edits.sizes)
        edited, rule = np.nonzero(sizes)  # by row, then by rule
        self._ledger.add_verdicts(
            opened.label,
            Action.EDIT,
            operator.rules(),
            rows[edited],
            rule=rule.astype(np.int16),
            value=edits.sizes[edited, rule],
            threshold=None,
        )
        columns = [
            edits.columns[name] if name in edits.columns.schema.names else batch[name] for name in batch.schema.names
        ]
        return pa.RecordBatch.from_arrays(columns, schema=batch.schema), rows

    def _keep_examples(
        self, opened: OpenOperator, names: tuple[str, ...], batch: pa.RecordBatch, rule: RuleArray
    ) -> None:
        """Keeps starts of texts; `rule` is the one that dropped each row, -1 for rows that stay."""
        if not self._examples_per_rule or TEXT not in batch.schema.names or DOC_ID not in batch.schema.names:
            return
        ids, words = batch[DOC_ID], leading_words(batch[DOC_ID])
        for broken in np.unique(rule[rule >= 0]):
            dropped = np.flatnonzero(rule == broken)
            kept = self._examples.setdefault((opened.label, names[broken]), [])
            if len(kept) == self._examples_per_rule:
                dropped = dropped[words[dropped] <= leading_words(pa.array([kept[-1][0]], DOC_ID_TYPE))[0]]
            if len(dropped) > self._examples_per_rule:
                last = np.partition(words[dropped], self._examples_per_rule - 1)[self._examples_per_rule - 1]
                dropped = dropped[words[dropped] <= last]
            kept += [(ids[row].as_py(), batch[TEXT][row].as_py()[:EXAMPLE_CHARS]) for row in dropped.tolist()]
            kept[:] = nsmallest(self._examples_per_rule, kept)


def _annotated(opened: OpenOperator, batch: pa.RecordBatch, new: pa.RecordBatch) -> pa.RecordBatch:
    operator = opened.operator
    assert isinstance(operator, Annotator)
    _expect_length(operator, batch, new)
    declared = operator.adds()
    if new.schema.names != declared.names or new.schema.types != declared.types:
        raise OperatorError(f"operator {operator.name}: declared columns {declared}; returned {new.schema}")
    _expect_values(operator, new, declared)
    fields = [field.with_name(DERIVED + field.name) for field in declared] if opened.is_derived else list(declared)
    return pa.RecordBatch.from_arrays([*batch.columns, *new.columns], schema=pa.schema([*batch.schema, *fields]))


def _of_type(
    operator: Filter, batch: pa.RecordBatch, what: str, given: pa.Array | None, wanted: pa.DataType
) -> pa.Array | None:
    """What verdicts may say of each row, after checking that they do so in the right form."""
    if given is not None:
        _expect_length(operator, batch, given)
        if given.type != wanted:
            raise OperatorError(f"operator {operator.name}: expected {what} as {wanted}; returned {given.type}")
    return given


def _expect_length(operator: RowOperator, batch: pa.RecordBatch, *results: Sized) -> None:
    for result in results:
        if len(result) != batch.num_rows:
            raise OperatorError(
                f"operator {operator.name}: expected results for {batch.num_rows} rows; returned {len(result)}"
            )


def _expect_values(operator: RowOperator, returned: pa.RecordBatch, declared: pa.Schema) -> None:
    for name, column in zip(returned.schema.names, returned.columns, strict=True):
        if column.null_count and not declared.field(name).nullable:
            raise OperatorError(
                f"operator {operator.name}: expected a value in every row of column {name!r}; returned "
                f"{column.null_count} nulls in {len(column)} rows"
            )


def _expect_rules(operator: RowOperator, names: tuple[str, ...], rule: RuleArray) -> None:
    if len(rule) and not 0 <= rule.min() <= rule.max() < len(names):
        raise OperatorError(
            f"operator {operator.name}: expected rules 0 to {len(names) - 1} ({names}); returned {rule.min()} to "
            f"{rule.max()}"
        )


def _asked_by(label: str, asked: FallBackNeeded) -> FallBackNeeded:
    """What an operator asks for, under the label of the step's operator whose fallback it takes."""
    return FallBackNeeded(label, asked.reason, asked.detail)


def _place(error: BaseException) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return "" if trace is None else f"in {trace.tb_frame.f_code.co_name}, line {trace.tb_lineno}"
