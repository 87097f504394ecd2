"""Finds what each part of a mix is to have, and where the documents end that fill it, exactly over the whole pool."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Final, NamedTuple, Self

import numpy as np
import pyarrow as pa
from pydantic import Field, FiniteFloat, model_validator

from operators.mix.mix_parts import MixPart, mix_budgets
from operators.mix.mix_pool import MIX_FILE, MixPool, MixRows, Numbers
from operators.mix.mix_report import mix_report
from operators.select.quota_cut import HASH_BITS, Keys, Words, find_cut
from operators.select.quota_pool import NO_CELL
from pipeline.errors import OperatorError
from pipeline.operator import Determinism, RowReader, Task, TaskFunction, TaskInputs

REPORT_TEXT_FILE: Final = "report.md"
MAX_REPETITIONS: Final = (1 << 31) - 1
NO_DRAW: Final = 1 << HASH_BITS
"""More than any draw."""


class PartCounts(NamedTuple):
    """What a part has."""

    num_documents: int
    tokens: int
    """Of every document once."""
    epoch_tokens: int
    """Of one epoch, in which a document may stand several times."""
    most_copies: int


class PartEnd(NamedTuple):
    """Where the documents end that fill what is left of a part's budget after whole epochs."""

    draw: int
    """Documents with this draw or a higher one are taken once more."""
    copies: int
    """So often at most, of those that it has in one epoch, the document with exactly this draw."""
    num_documents: int
    tokens: int


class MixBudgets(MixPool, Task):
    """What each part of a mix is to have and gets, as `mix.json`, and as `report.md` for people.

    A part is to have a share of the budget by its weight, so many tokens, or so many epochs of what it has. Where that
    is more than one epoch, all its documents are repeated as often as they fit; the rest is filled in the order of a
    draw, with whole documents, until it is reached. So a part has what it is to have, and less than one document more.

    Columns:
        reads doc_id, `by`, `copies` and `size` (int64, not negative, null counts as 0). A document without a value in
            `by` belongs to no part.

    Determinism:
        SEEDED: the order within a part is that of a hash of doc_id. Shares are parted in whole numbers, and powers are
        taken in decimals, so nothing depends on how a machine rounds; the order of rows does not matter.

    Raises:
        OperatorError: a part of the pool is neither named nor covered by `others`, a part without documents is to have
            some, parts without weight take more than the budget, or a number is negative.

    Source:
        Temperature as multilingual models use it: Devlin et al., multilingual BERT (2018), and Conneau et al. 2020,
        arXiv:1911.02116, section 3.1, where alpha is 1 / temperature.

    Cost:
        One pass over the columns to count, then one for each twelve bits of the draw that are needed to tell documents
        apart where a part ends: three or so, at most five. Memory is 64 KiB a part, whatever the number of documents.
    """

    name: ClassVar[str] = "mix_budgets"
    produces = "model"
    determinism = Determinism.SEEDED

    parts: dict[str, MixPart] = Field(default_factory=dict)
    """By the value of `by`."""
    others: MixPart | None = None
    """What each part is to have that is not named. None: there must be none."""
    budget: int | None = Field(default=None, ge=1)
    """Of all parts together; given where, and only where, weights part it."""
    temperature: FiniteFloat | None = Field(default=None, gt=0)
    """Weights are multiplied by what a part has, to the power of 1 / temperature. None: by nothing."""
    size: str = "num_tokens"
    """What budgets are counted in."""

    @model_validator(mode="after")
    def _budget_for_weights(self) -> Self:
        wanted = [*self.parts.values(), *([] if self.others is None else [self.others])]
        if not wanted:
            raise ValueError("parts: expected what each part is to have, or `others` for all; found neither")
        has_weights = any(part.weight is not None for part in wanted)
        if has_weights != (self.budget is not None):
            raise ValueError(
                f"budget: expected one if, and only if, parts have weights; found budget={self.budget!r} and "
                f"{'some' if has_weights else 'none'}"
            )
        if self.temperature is not None and not has_weights:
            raise ValueError("temperature: expected parts with weights, which it changes; found none")
        return self

    def requires(self) -> pa.Schema:
        """Where documents stand, and what they count."""
        return pa.schema([*self.pool_fields(), pa.field(self.size, pa.int64())])

    def output_schema(self, given: pa.Schema) -> pa.Schema:  # noqa: ARG002 -- the contract's signature
        """A model has no rows."""
        return pa.schema(())

    def open(self) -> TaskFunction:
        """Returns the search."""

        def run(inputs: TaskInputs) -> Iterator[tuple[int, pa.RecordBatch]]:
            assert inputs.rows is not None, "the planner gives this task a view"
            found = self._find(inputs.rows)
            text = json.dumps(found, indent=1, allow_nan=False, ensure_ascii=False)
            (inputs.directory / MIX_FILE).write_text(text + "\n", encoding="utf-8")
            (inputs.directory / REPORT_TEXT_FILE).write_text(mix_report(found), encoding="utf-8")
            return iter(())

        return run

    def _find(self, rows: RowReader) -> dict[str, Any]:  # Any: JSON
        """What the file says."""
        counted = self._count(rows)
        budgets = self._budgets(counted)
        whole = {name: budgets[name] // max(1, one.epoch_tokens) for name, one in counted.items()}
        rests = [budgets[name] - whole[name] * one.epoch_tokens for name, one in counted.items()]
        ends = self._ends(rows, {name: code for code, name in enumerate(counted)}, np.array(rests, np.int64))
        return {
            "settings": self.settings(),
            "size": self.size,
            "budget": self.budget,
            "temperature": self.temperature,
            "parts": [
                {
                    "name": name,
                    "num_documents": one.num_documents,
                    "tokens": one.tokens,
                    "epoch_tokens": one.epoch_tokens,
                    "asked_tokens": budgets[name],
                    "obtained_tokens": whole[name] * one.epoch_tokens + end.tokens,
                    "whole_epochs": whole[name],
                    "num_drawn": end.num_documents,
                    "least_draw": end.draw,
                    "last_copies": end.copies,
                }
                for (name, one), end in zip(counted.items(), ends, strict=True)
            ],
        }

    def _count(self, rows: RowReader) -> dict[str, PartCounts]:
        """What each part has, in the order of names; parts that are asked for and not there have nothing."""
        counts: dict[str, Numbers] = {name: np.zeros(4, np.int64) for name in self.parts}
        for shard, batch in rows.batches(tuple(self.requires().names)):
            names = self.names_of(batch)
            pool = self.mix_rows(batch, {name: place for place, name in enumerate(names)})
            sizes, is_row = self._sizes(shard, batch), pool.codes != NO_CELL
            for place, name in enumerate(names):
                mine = is_row & (pool.codes == place)
                if not mine.any():
                    continue
                before = counts.get(name, np.zeros(4, np.int64))
                tokens = [mine.sum(), sizes[mine].sum(), (sizes * pool.copies)[mine].sum()]
                most = max(before[3], pool.copies[mine].max())
                counts[name] = np.array([*(before[:3] + tokens), most], np.int64)
        return {name: PartCounts(*map(int, counts[name])) for name in sorted(counts)}

    def _budgets(self, counted: Mapping[str, PartCounts]) -> dict[str, int]:
        """What each part is to have.

        Raises:
            OperatorError: it cannot be had.
        """
        strangers = [name for name in counted if name not in self.parts]
        if strangers and self.others is None:
            raise OperatorError(
                f"{self.name}: expected parts of {self.by.column!r} that are named, {sorted(self.parts)}; found "
                f"{strangers[:20]} too; name them, or set others, to {{epochs: 0}} to leave them out"
            )
        wanted = {name: self.parts.get(name, self.others) for name in counted}
        sizes = {name: one.epoch_tokens for name, one in counted.items()}
        try:
            named = {name: part for name, part in wanted.items() if part is not None}
            budgets = mix_budgets(named, sizes, self.budget, self.temperature)
        except ValueError as error:
            raise OperatorError(f"{self.name}: {error}; raise it, or lower theirs") from error
        for name, budget in budgets.items():
            if budget and not sizes[name]:
                raise OperatorError(
                    f"{self.name}: part {name!r}: expected documents with {self.size} for the {budget} that it is to "
                    f"have; found none; parts with some: {[other for other in sizes if sizes[other]]}"
                )
            if (budget // max(1, sizes[name]) + 1) * counted[name].most_copies > MAX_REPETITIONS:
                raise OperatorError(
                    f"{self.name}: part {name!r}: expected no document more often than {MAX_REPETITIONS} times; found "
                    f"a budget of {budget} for {sizes[name]}; lower it"
                )
        return budgets

    def _ends(self, rows: RowReader, codes: Mapping[str, int], rests: Numbers) -> list[PartEnd]:
        """Where the documents of each part end that fill its rest."""
        cut = find_cut(lambda: self._keys(rows, codes), rests, "reach", has_ranks=False)
        draws = np.where(rests > 0, cut.draws, np.uint64(NO_DRAW))
        ends = [
            PartEnd(int(draw), MAX_REPETITIONS, int(num), int(tokens))
            for draw, num, tokens in zip(draws, cut.num_chosen, cut.chosen_weight, strict=True)
        ]
        if self.copies is None:
            return ends
        for code, (draw, copies, size) in self._last_documents(rows, codes, draws).items():
            end = ends[code]
            spare = min(copies - 1, (end.tokens - int(rests[code])) // size)
            ends[code] = PartEnd(draw, copies - spare, end.num_documents, end.tokens - spare * size)
        return ends

    def _keys(self, rows: RowReader, codes: Mapping[str, int]) -> Iterator[Keys]:
        """The documents of all parts."""
        for pool, sizes in self._pools(rows, codes):
            yield Keys(pool.codes, np.zeros(len(sizes), np.uint64), pool.draws, sizes * pool.copies)

    def _last_documents(
        self, rows: RowReader, codes: Mapping[str, int], draws: Words
    ) -> dict[int, tuple[int, int, int]]:
        """Of each part that ends within a document its draw, its copies and its tokens."""
        found: dict[int, tuple[int, int, int]] = {}
        for pool, sizes in self._pools(rows, codes):
            drawn = np.flatnonzero((pool.draws >= draws[pool.codes]) & (sizes * pool.copies > 0))
            drawn = drawn[np.argsort(pool.draws[drawn], kind="stable")]
            for first in np.unique(pool.codes[drawn], return_index=True)[1]:
                row = drawn[first]
                code, last = int(pool.codes[row]), (int(pool.draws[row]), int(pool.copies[row]), int(sizes[row]))
                found[code] = min(last, found.get(code, last))
        return found

    def _pools(self, rows: RowReader, codes: Mapping[str, int]) -> Iterator[tuple[MixRows, Numbers]]:
        """The documents that belong to a part, and their sizes."""
        for shard, batch in rows.batches(tuple(self.requires().names)):
            pool, sizes = self.mix_rows(batch, codes), self._sizes(shard, batch)
            mine = pool.codes != NO_CELL
            yield MixRows(*(column[mine] for column in pool)), sizes[mine]

    def _sizes(self, shard: int, batch: pa.RecordBatch) -> Numbers:
        sizes: Numbers = batch.column(self.size).fill_null(0).to_numpy(zero_copy_only=False)
        if sizes.size and sizes.min() < 0:
            raise OperatorError(
                f"{self.name}: shard {shard}: expected {self.size!r} not to be negative; found {sizes.min()}; correct "
                "it where it is made"
            )
        return sizes
