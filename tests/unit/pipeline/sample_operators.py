"""Small operators of every kind, with which the engine is tested without knowing a real one."""

from collections import Counter
from collections.abc import Iterator
from typing import ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.document import CORE_FIELDS, DOC_ID, DOC_ID_TYPE, METADATA_FIELD, POSITION, POSITION_TYPE, TEXT, TEXT_TYPE
from pipeline.operator import (
    REMOVAL_SCHEMA,
    AnnotateFunction,
    Annotator,
    Determinism,
    Edits,
    FileRef,
    Filter,
    FilterFunction,
    PartitionFunction,
    PartitionOperator,
    ShardFunction,
    ShardOperator,
    Task,
    TaskFunction,
    TaskInputs,
    Transform,
    TransformFunction,
    Verdicts,
)

TEXT_SCHEMA = pa.schema([pa.field(TEXT, TEXT_TYPE)])
SOURCE_SCHEMA = pa.schema([*CORE_FIELDS, METADATA_FIELD])
KEY = "key"


def doc_ids(count: int, first: int = 0) -> list[bytes]:
    return [number.to_bytes(16, "big") for number in range(first, first + count)]


def documents(texts: list[str], ids: list[bytes] | None = None) -> pa.RecordBatch:
    return pa.record_batch(
        [pa.array(ids or doc_ids(len(texts)), DOC_ID_TYPE), pa.array(texts, TEXT_TYPE)],
        schema=pa.schema([pa.field(DOC_ID, DOC_ID_TYPE, nullable=False), pa.field(TEXT, TEXT_TYPE, nullable=False)]),
    )


class NumChars(Annotator):
    """Adds the number of characters; raises on a text that holds `fails_on`."""

    name: ClassVar[str] = "num_chars"

    column: str = "num_chars"
    fails_on: str | None = None

    def requires(self) -> pa.Schema:
        return TEXT_SCHEMA

    def adds(self) -> pa.Schema:
        return pa.schema([pa.field(self.column, pa.int64())])

    def open(self) -> AnnotateFunction:
        def annotate(batch: pa.RecordBatch) -> pa.RecordBatch:
            texts = batch.column(TEXT).to_pylist()
            if self.fails_on is not None and any(self.fails_on in text for text in texts):
                raise ValueError(f"cannot bear {texts}")
            return pa.record_batch([pa.array([len(text) for text in texts], pa.int64())], schema=self.adds())

        return annotate


class ModelScore(NumChars):
    """As NumChars, but what it says depends on the machine."""

    name: ClassVar[str] = "model_score"
    determinism: ClassVar[Determinism] = Determinism.HARDWARE

    column: str = "score"


class SeenTogether(NumChars):
    """How many characters the rows of a call have in all: another value in another window."""

    name: ClassVar[str] = "seen_together"
    window_rows: ClassVar[int | None] = 4

    column: str = "together"

    def open(self) -> AnnotateFunction:
        annotate = super().open()

        def sum_up(batch: pa.RecordBatch) -> pa.RecordBatch:
            (chars,) = annotate(batch).columns
            return pa.record_batch([pa.array([pc.sum(chars).as_py()] * batch.num_rows)], schema=self.adds())

        return sum_up


class MinChars(Filter):
    """Keeps texts of at least `min_chars` characters that do not hold `without`."""

    name: ClassVar[str] = "min_chars"

    min_chars: int = 2
    without: str = "\0"

    def requires(self) -> pa.Schema:
        return TEXT_SCHEMA

    def rules(self) -> tuple[str, ...]:
        return ("too_short", "forbidden")

    def open(self) -> FilterFunction:
        def judge(batch: pa.RecordBatch) -> Verdicts:
            texts = batch.column(TEXT).to_pylist()
            lengths = np.array([len(text) for text in texts], np.float64)
            short = lengths < self.min_chars
            forbidden = np.array([self.without in text for text in texts], bool) & ~short
            return Verdicts(
                keep=~short & ~forbidden,
                rule=forbidden.astype(np.int16),
                value=np.where(short, lengths, np.nan),
                threshold=np.where(short, self.min_chars, np.nan),
            )

        return judge


class Shout(Transform):
    """Makes texts upper case; an edit's value is how many characters changed."""

    name: ClassVar[str] = "shout"

    def requires(self) -> pa.Schema:
        return TEXT_SCHEMA

    def rules(self) -> tuple[str, ...]:
        return ("raised",)

    def replaces(self) -> tuple[str, ...]:
        return (TEXT,)

    def open(self) -> TransformFunction:
        def edit(batch: pa.RecordBatch) -> Edits:
            before = batch.column(TEXT).to_pylist()
            after = [text.upper() for text in before]
            changed = [
                sum(a != b for a, b in zip(old, new, strict=False)) for old, new in zip(before, after, strict=True)
            ]
            size = np.array(changed, np.float64)
            return Edits(
                columns=pa.record_batch([pa.array(after, TEXT_TYPE)], schema=TEXT_SCHEMA),
                sizes=size[:, np.newaxis],
            )

        return edit


class AddKey(Annotator):
    """Adds the exchange key: the text's first byte."""

    name: ClassVar[str] = "add_key"

    def requires(self) -> pa.Schema:
        return TEXT_SCHEMA

    def adds(self) -> pa.Schema:
        return pa.schema([pa.field(KEY, pa.uint64())])

    def open(self) -> AnnotateFunction:
        def annotate(batch: pa.RecordBatch) -> pa.RecordBatch:
            keys = [text.encode()[0] if text else None for text in batch.column(TEXT).to_pylist()]
            return pa.record_batch([pa.array(keys, pa.uint64())], schema=self.adds())

        return annotate


class KeepFirst(PartitionOperator):
    """Removes all but the first row of a key."""

    name: ClassVar[str] = "keep_first"

    def requires(self) -> pa.Schema:
        return pa.schema(
            [
                pa.field(KEY, pa.uint64()),
                pa.field(DOC_ID, DOC_ID_TYPE, nullable=False),
                pa.field(POSITION, POSITION_TYPE, nullable=False),
            ]
        )

    def output_schema(self, given: pa.Schema) -> pa.Schema:  # noqa: ARG002 -- the contract's signature
        return REMOVAL_SCHEMA

    def open(self) -> PartitionFunction:
        def removals(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            first: dict[int, bytes] = {}
            for batch in batches:
                gone = [
                    {"position": row[POSITION], "rule": "later", "survivor": first[row[KEY]]}
                    for row in batch.to_pylist()
                    if first.setdefault(row[KEY], row[DOC_ID]) != row[DOC_ID]
                ]
                yield pa.RecordBatch.from_pylist(gone, REMOVAL_SCHEMA)

        return removals


class PassOn(PartitionOperator):
    """All rows with all of their columns."""

    name: ClassVar[str] = "pass_on"
    takes_every_column: ClassVar[bool] = True

    def requires(self) -> pa.Schema:
        return pa.schema([])

    def output_schema(self, given: pa.Schema) -> pa.Schema:
        return given

    def open(self) -> PartitionFunction:
        return lambda batches: batches


class CountKeys(PartitionOperator):
    """One row a key: how many rows have it."""

    name: ClassVar[str] = "count_keys"

    def requires(self) -> pa.Schema:
        return pa.schema([pa.field(KEY, pa.uint64())])

    def output_schema(self, given: pa.Schema) -> pa.Schema:  # noqa: ARG002 -- the contract's signature
        return pa.schema([pa.field(KEY, pa.uint64()), pa.field("rows", pa.int64())])

    def open(self) -> PartitionFunction:
        def count(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            counts: Counter[int] = Counter()
            for batch in batches:
                counts.update(batch.column(KEY).to_pylist())
            columns = [pa.array(counts.keys(), pa.uint64()), pa.array(counts.values(), pa.int64())]
            yield pa.record_batch(columns, schema=self.output_schema(pa.schema([])))

        return count


class LowerKey(PartitionOperator):
    """Lowers every key by one until it is 0; `lowered` says where it did. For rounds."""

    name: ClassVar[str] = "lower_key"

    def requires(self) -> pa.Schema:
        return pa.schema([pa.field(KEY, pa.uint64()), pa.field(POSITION, POSITION_TYPE, nullable=False)])

    def output_schema(self, given: pa.Schema) -> pa.Schema:  # noqa: ARG002 -- the contract's signature
        return self.requires().append(pa.field("lowered", pa.bool_(), nullable=False))

    def open(self) -> PartitionFunction:
        def lower(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            for batch in batches:
                keys = batch.column(KEY).to_pylist()
                lowered = [key > 0 for key in keys]
                lower_keys = pa.array([key - more for key, more in zip(keys, lowered, strict=True)], pa.uint64())
                columns = [lower_keys, batch.column(POSITION), pa.array(lowered)]
                yield pa.record_batch(columns, schema=self.output_schema(batch.schema))

        return lower


class RankInKey(PartitionOperator):
    """For each row its place among the rows of its key, from 0; beside it the key, which is there already."""

    name: ClassVar[str] = "rank_in_key"

    def requires(self) -> pa.Schema:
        return pa.schema([pa.field(KEY, pa.uint64()), pa.field(POSITION, POSITION_TYPE, nullable=False)])

    def output_schema(self, given: pa.Schema) -> pa.Schema:  # noqa: ARG002 -- the contract's signature
        return pa.schema([*self.requires(), pa.field("rank", pa.int64(), nullable=False)])

    def open(self) -> PartitionFunction:
        def rank(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            seen: Counter[int] = Counter()
            for batch in batches:
                ranks = []
                for key in batch.column(KEY).to_pylist():
                    ranks.append(seen[key])
                    seen[key] += 1
                columns = [batch.column(KEY), batch.column(POSITION), pa.array(ranks, pa.int64())]
                yield pa.record_batch(columns, schema=self.output_schema(pa.schema([])))

        return rank


class FirstRows(ShardOperator):
    """The first `count` rows of a shard."""

    name: ClassVar[str] = "first_rows"

    count: int = 2

    def requires(self) -> pa.Schema:
        return pa.schema([])

    def output_schema(self, given: pa.Schema) -> pa.Schema:
        return given

    def open(self) -> ShardFunction:
        def first(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            left = self.count
            for batch in batches:
                yield batch.slice(0, left)
                left = max(0, left - batch.num_rows)

        return first


class TotalChars(Task):
    """A model: one file with the number of characters of the view."""

    name: ClassVar[str] = "total_chars"
    produces = "model"

    def requires(self) -> pa.Schema:
        return TEXT_SCHEMA

    def output_schema(self, given: pa.Schema) -> pa.Schema:  # noqa: ARG002 -- the contract's signature
        return pa.schema([])

    def open(self) -> TaskFunction:
        def run(inputs: TaskInputs) -> Iterator[tuple[int, pa.RecordBatch]]:
            assert inputs.rows is not None
            total = sum(pc.sum(pc.utf8_length(batch[TEXT])).as_py() for _, batch in inputs.rows.batches((TEXT,)))
            (inputs.directory / "total.txt").write_text(f"{total}\n")
            return iter(())

        return run


class SumTables(Task):
    """A table: the number of rows of every table that the step names."""

    name: ClassVar[str] = "sum_tables"
    produces = "table"

    def requires(self) -> pa.Schema:
        return pa.schema([])

    def output_schema(self, given: pa.Schema) -> pa.Schema:  # noqa: ARG002 -- the contract's signature
        return pa.schema([pa.field("rows", pa.int64())])

    def open(self) -> TaskFunction:
        def run(inputs: TaskInputs) -> Iterator[tuple[int, pa.RecordBatch]]:
            for table in inputs.tables.values():
                rows = sum(batch.num_rows for _, batch in table.batches())
                yield 0, pa.record_batch([pa.array([rows])], schema=self.output_schema(pa.schema([])))

        return run


class ByFile(Filter):
    """Keeps everything; has a file field, an optional one and one of several files."""

    name: ClassVar[str] = "by_file"

    words: FileRef
    more: FileRef | None = None
    lists: tuple[FileRef, ...] = ()

    def requires(self) -> pa.Schema:
        return TEXT_SCHEMA

    def rules(self) -> tuple[str, ...]:
        return ("never",)

    def open(self) -> FilterFunction:
        self.words.open_path()
        keep_all = MinChars(min_chars=0)
        return keep_all.open()


OPERATORS = (
    NumChars, ModelScore, MinChars, Shout, AddKey, KeepFirst, CountKeys, RankInKey, FirstRows, TotalChars, SumTables,
    ByFile,
)  # fmt: skip
