"""Operators that only tests use: cheap ones for every role, and ones that fail. Importable, as Ray needs them."""

import ctypes
import json
import os
import signal
import time
from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice, repeat
from pathlib import Path
from typing import ClassVar, Final, Literal, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import xxhash

from pipeline.document import DOC_ID, DOC_ID_TYPE, POSITION, POSITION_TYPE, TEXT, TEXT_TYPE
from pipeline.errors import FallBackNeeded
from pipeline.format_writer import PART_NAME, FormatWriter, Part, WriteFunction
from pipeline.operator import (
    REMOVAL_SCHEMA,
    AnnotateFunction,
    Annotator,
    Edits,
    Filter,
    FilterFunction,
    FloatArray,
    PartitionFunction,
    PartitionOperator,
    Resources,
    Task,
    TaskFunction,
    TaskInputs,
    Transform,
    TransformFunction,
    Verdicts,
)
from pipeline.rule_set import Limit, MeasureFunction, RuleSet

TEXT_KEY: Final = "text_key"
COUNT_FILE: Final = "count.json"

_TEXT_FIELD: Final = pa.field(TEXT, TEXT_TYPE, nullable=False)


class PoisonError(Exception):
    """What the failing operators raise. Its message quotes the text, as careless code does."""


def refuse(batch: pa.RecordBatch, word: str) -> None:
    """Raises if any text of the batch holds `word`: a failure that takes the whole batch with it."""
    found = pc.match_substring(batch.column(TEXT), word)
    if word and pc.any(found).as_py():
        raise PoisonError(batch.column(TEXT).filter(found)[0].as_py())


class TextLength(Annotator):
    """Adds `num_chars`; fails on texts that hold `poison`."""

    name: ClassVar[str] = "text_length"

    poison: str = ""
    column: str = "num_chars"

    def requires(self) -> pa.Schema:
        return pa.schema([_TEXT_FIELD])

    def adds(self) -> pa.Schema:
        return pa.schema([pa.field(self.column, pa.int64(), nullable=False)])

    def open(self) -> AnnotateFunction:
        def annotate(batch: pa.RecordBatch) -> pa.RecordBatch:
            refuse(batch, self.poison)
            lengths = pc.utf8_length(batch.column(TEXT)).cast(pa.int64())
            return pa.RecordBatch.from_arrays([lengths], schema=self.adds())

        return annotate


class WindowLength(TextLength):
    """Adds the characters of all texts of a call: another value in another window."""

    name: ClassVar[str] = "window_length"
    window_rows: ClassVar[int | None] = 9

    column: str = "window_chars"

    def open(self) -> AnnotateFunction:
        annotate = super().open()

        def sum_up(batch: pa.RecordBatch) -> pa.RecordBatch:
            (chars,) = annotate(batch).columns
            together = pa.array([pc.sum(chars).as_py() or 0] * batch.num_rows, pa.int64())
            return pa.RecordBatch.from_arrays([together], schema=self.adds())

        return sum_up


class FancyWindow(WindowLength):
    """As `WindowLength`, on actors that need the cluster's resource `fancy`."""

    name: ClassVar[str] = "fancy_window"
    window_rows: ClassVar[int | None] = 13

    column: str = "fancy_window_chars"

    @property
    def resources(self) -> Resources:
        return Resources(num_cpus=1, custom={"fancy": 1})


class GuardedLength(TextLength):
    """As `TextLength`; its quick engine is wrong everywhere, and finds that out at a text that holds `distrust`."""

    name: ClassVar[str] = "guarded_length"

    distrust: str = ""
    engine: Literal["quick", "sound"] = "quick"

    def fallback(self) -> Self | None:
        return self.model_copy(update={"engine": "sound"}) if self.engine == "quick" else None

    def made_with(self) -> str | None:
        return f"{self.engine} 1.0"

    def open(self) -> AnnotateFunction:
        annotate = super().open()

        def guarded(batch: pa.RecordBatch) -> pa.RecordBatch:
            (lengths,) = annotate(batch).columns
            if self.engine == "quick":
                found = pc.index(pc.match_substring(batch.column(TEXT), self.distrust), value=True).as_py()
                if self.distrust and found >= 0:
                    raise FallBackNeeded(
                        self.title, "another length than the sound engine's", f"row {found} of a batch"
                    )
                lengths = pc.add(lengths, 1_000)
            return pa.RecordBatch.from_arrays([lengths], schema=self.adds())

        return guarded


class FancyGuardedLength(GuardedLength):
    """As `GuardedLength`, on actors that need the cluster's resource `fancy`."""

    name: ClassVar[str] = "fancy_guarded_length"

    column: str = "fancy_chars"

    @property
    def resources(self) -> Resources:
        return Resources(num_cpus=1, custom={"fancy": 1})


class FancyLength(TextLength):
    """As `TextLength`, on actors that need the cluster's resource `fancy`."""

    name: ClassVar[str] = "fancy_length"

    column: str = "fancy_chars"

    @property
    def resources(self) -> Resources:
        return Resources(num_cpus=1, custom={"fancy": 1})


class LongEnough(Filter):
    """Keeps texts of at least `min_chars`; fails on texts that hold `poison`."""

    name: ClassVar[str] = "long_enough"

    min_chars: int = 200
    poison: str = ""

    def requires(self) -> pa.Schema:
        return pa.schema([_TEXT_FIELD])

    def rules(self) -> tuple[str, ...]:
        return ("too_short",)

    def open(self) -> FilterFunction:
        def judge(batch: pa.RecordBatch) -> Verdicts:
            refuse(batch, self.poison)
            lengths = pc.utf8_length(batch.column(TEXT)).to_numpy(zero_copy_only=False)
            return Verdicts(
                keep=lengths >= self.min_chars,
                rule=np.zeros(len(lengths), np.int16),
                value=lengths.astype(np.float64),
                threshold=np.full(len(lengths), float(self.min_chars)),
            )

        return judge


class Shape(RuleSet):
    """Keeps texts of some size, of few lines and with little of one letter; fails on texts that hold `poison`."""

    name: ClassVar[str] = "shape"

    min_chars: float | None = 100
    max_words: float | None = 26
    max_lines: float | None = 2
    max_letter_fraction: float | None = 0.12
    letter: str = "a"
    poison: str = ""

    def limits(self) -> tuple[Limit, ...]:
        return (
            Limit("too_short", "min", self.min_chars),
            Limit("too_many_words", "max", self.max_words),
            Limit("too_many_lines", "max", self.max_lines),
            Limit("too_much_of_a_letter", "max", self.max_letter_fraction, inclusive=False),
        )

    def open_measure(self) -> MeasureFunction:
        def measure(batch: pa.RecordBatch) -> FloatArray:
            refuse(batch, self.poison)
            text = batch.column(TEXT)
            counts = [
                pc.utf8_length(text),
                pc.list_value_length(pc.utf8_split_whitespace(text)),
                pc.add(pc.count_substring(text, "\n"), 1),
                pc.divide(pc.count_substring(text, self.letter).cast("float64"), pc.utf8_length(text)),
            ]
            return np.column_stack([count.to_numpy(zero_copy_only=False).astype(np.float64) for count in counts])

        return measure


class OneLine(Transform):
    """Puts a text on one line; fails on texts that hold `poison`."""

    name: ClassVar[str] = "one_line"

    poison: str = ""

    def requires(self) -> pa.Schema:
        return pa.schema([_TEXT_FIELD])

    def rules(self) -> tuple[str, ...]:
        return ("newlines",)

    def replaces(self) -> tuple[str, ...]:
        return (TEXT,)

    def open(self) -> TransformFunction:
        def edit(batch: pa.RecordBatch) -> Edits:
            refuse(batch, self.poison)
            num_lines = pc.count_substring(batch.column(TEXT), "\n").to_numpy(zero_copy_only=False)
            replaced = pc.replace_substring(batch.column(TEXT), "\n", " ")
            return Edits(
                columns=pa.RecordBatch.from_arrays([replaced], schema=pa.schema([_TEXT_FIELD])),
                sizes=num_lines.astype(np.float64)[:, np.newaxis],
            )

        return edit


class TextFiles(FormatWriter):
    """Writes each text as a line of JSON, and how many lines there are beside them.

    `loses` characters of each text are not written, and all rows behind the first `max_batches` batches neither.
    """

    name: ClassVar[str] = "text_files"

    loses: int = 0
    max_batches: int | None = None
    one_name: bool = False

    def requires(self) -> pa.Schema:
        return pa.schema([_TEXT_FIELD, pa.field("num_chars", pa.int64(), nullable=False)])

    def output_schema(self, given: pa.Schema) -> pa.Schema:
        return pa.schema([given.field("num_chars"), given.field(TEXT)])

    def conserves(self) -> str:
        return "num_chars"

    def amount_in(self, folder: Path) -> int:
        return sum(len(json.loads(line)) for line in (folder / "texts.jsonl").read_text().splitlines())

    def dataset_name(self, shard: int, num_shards: int, file: str) -> str:
        return file if self.one_name else f"{num_shards}/{shard:03d}-{file}"

    def index(self, parts: Sequence[Part]) -> Mapping[str, bytes]:
        facts = [[part.shard, part.num_rows, part.amount, part.facts["num_lines"]] for part in parts]
        names = [[file.dataset_name, file.num_bytes, file.digest] for part in parts for file in part.files]
        return {"index.json": json.dumps({"parts": facts, "files": names}).encode()}

    def open(self) -> WriteFunction:
        def write(batches: Iterator[pa.RecordBatch], folder: Path) -> None:
            num_lines = 0
            with (folder / "texts.jsonl").open("w") as stream:
                for batch in islice(batches, self.max_batches):
                    for text in batch.column(TEXT).to_pylist():
                        stream.write(json.dumps(text[self.loses :]) + "\n")
                        num_lines += 1
            (folder / PART_NAME).write_text(json.dumps({"num_lines": num_lines}))

        return write


class TextKey(Annotator):
    """Adds a 16-byte hash of the text: a key for exchanges, without a kernel to compile."""

    name: ClassVar[str] = "text_key"

    def requires(self) -> pa.Schema:
        return pa.schema([_TEXT_FIELD])

    def adds(self) -> pa.Schema:
        return pa.schema([pa.field(TEXT_KEY, pa.binary(16))])

    def open(self) -> AnnotateFunction:
        def annotate(batch: pa.RecordBatch) -> pa.RecordBatch:
            keys = [xxhash.xxh3_128_digest(text.encode()) for text in batch.column(TEXT).to_pylist()]
            return pa.RecordBatch.from_arrays([pa.array(keys, pa.binary(16))], schema=self.adds())

        return annotate


class KeepFirst(PartitionOperator):
    """Removes all rows of a key but the first."""

    name: ClassVar[str] = "keep_first"

    def requires(self) -> pa.Schema:
        return pa.schema(
            [
                pa.field(TEXT_KEY, pa.binary(16)),
                pa.field(DOC_ID, DOC_ID_TYPE, nullable=False),
                pa.field(POSITION, POSITION_TYPE, nullable=False),
            ]
        )

    def output_schema(self, given: pa.Schema) -> pa.Schema:  # noqa: ARG002 -- the contract's signature
        return REMOVAL_SCHEMA

    def open(self) -> PartitionFunction:
        def remove(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            first: dict[bytes, bytes] = {}
            for batch in batches:
                columns = (batch.column(name).to_pylist() for name in (TEXT_KEY, DOC_ID, POSITION))
                gone = [
                    {"position": position, "rule": "copy", "survivor": first[key]}
                    for key, doc_id, position in zip(*columns, strict=True)
                    if first.setdefault(key, doc_id) != doc_id
                ]
                yield pa.RecordBatch.from_pylist(gone, schema=REMOVAL_SCHEMA)

        return remove


class RankOfText(PartitionOperator):
    """Numbers the rows of each text, from 0; those of a quarter of the texts, by their key, are left out."""

    name: ClassVar[str] = "rank_of_text"

    def requires(self) -> pa.Schema:
        return pa.schema([pa.field(TEXT_KEY, pa.binary(16)), pa.field(POSITION, POSITION_TYPE, nullable=False)])

    def output_schema(self, given: pa.Schema) -> pa.Schema:  # noqa: ARG002 -- the contract's signature
        return pa.schema([pa.field(POSITION, POSITION_TYPE, nullable=False), pa.field("rank", pa.int64())])

    def open(self) -> PartitionFunction:
        def rank(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            seen: Counter[bytes] = Counter()
            for batch in batches:
                columns = (batch.column(name).to_pylist() for name in (TEXT_KEY, POSITION))
                rows = []
                for key, position in zip(*columns, strict=True):
                    if key[0] % 4:
                        rows.append({POSITION: position, "rank": seen[key]})
                        seen[key] += 1
                yield pa.RecordBatch.from_pylist(rows, schema=self.output_schema(pa.schema([])))

        return rank


class GuardedRank(RankOfText):
    """As `RankOfText`; its quick engine finds out at a key whose first byte is `distrust` that it cannot go on."""

    name: ClassVar[str] = "guarded_rank"

    distrust: int
    engine: Literal["quick", "sound"] = "quick"

    def fallback(self) -> Self | None:
        return self.model_copy(update={"engine": "sound"}) if self.engine == "quick" else None

    def made_with(self) -> str | None:
        return f"{self.engine} 1.0"

    def open(self) -> PartitionFunction:
        rank = super().open()

        def guarded(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            return rank(map(self._checked, batches))

        return guarded

    def _checked(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        if self.engine == "quick" and any(key[0] == self.distrust for key in batch.column(TEXT_KEY).to_pylist()):
            raise FallBackNeeded(self.title, "a key that it cannot rank")
        return batch


class CountRows(Task):
    """A model that holds the number of rows of its view."""

    name: ClassVar[str] = "count_rows"
    produces: ClassVar[Literal["table", "columns", "model"]] = "model"

    def requires(self) -> pa.Schema:
        return pa.schema([pa.field(DOC_ID, DOC_ID_TYPE, nullable=False)])

    def output_schema(self, given: pa.Schema) -> pa.Schema:  # noqa: ARG002 -- the contract's signature
        return pa.schema([])

    def open(self) -> TaskFunction:
        def run(inputs: TaskInputs) -> Iterator[tuple[int, pa.RecordBatch]]:
            assert inputs.rows is not None
            num_rows = sum(batch.num_rows for _, batch in inputs.rows.batches())
            (inputs.directory / COUNT_FILE).write_text(json.dumps({"num_rows": num_rows}))
            return iter(())

        return run


class Timed(Annotator):
    """Takes `seconds` for each call, and leaves a file in `folder` that says when: its name, a number, start and end.

    With a window as large as a shard, a call is a shard. Given `fancy`, on actors that need this resource.
    """

    name: ClassVar[str] = "timed"
    window_rows: ClassVar[int | None] = 1 << 20

    folder: str
    column: str
    seconds: float
    fancy: bool = False

    @property
    def resources(self) -> Resources:
        return Resources(num_cpus=1, custom={"fancy": 1} if self.fancy else {})

    def requires(self) -> pa.Schema:
        return pa.schema([pa.field(DOC_ID, DOC_ID_TYPE, nullable=False)])

    def adds(self) -> pa.Schema:
        return pa.schema([pa.field(self.column, pa.int64(), nullable=False)])

    def open(self) -> AnnotateFunction:
        def annotate(batch: pa.RecordBatch) -> pa.RecordBatch:
            start = time.monotonic()
            time.sleep(self.seconds)
            key = batch.column(DOC_ID)[0].as_py().hex()
            (Path(self.folder) / f"{self.column}-{key}").write_text(f"{start} {time.monotonic()}")
            return pa.RecordBatch.from_arrays([pa.array([0] * batch.num_rows, pa.int64())], schema=self.adds())

        return annotate


class KillsItsActor(Annotator):
    """Adds `num_words`; kills its own process at a text that begins with `DEADLY`, `times` times for each such text.

    With `when_opened` it is already the operator's opening that does so. Attempts are counted in files under `folder`,
    since nothing else outlives them.
    """

    name: ClassVar[str] = "kills_its_actor"

    folder: str
    times: int
    when_opened: bool = False

    def requires(self) -> pa.Schema:
        return pa.schema([_TEXT_FIELD])

    def adds(self) -> pa.Schema:
        return pa.schema([pa.field("num_words", pa.int64(), nullable=False)])

    def open(self) -> AnnotateFunction:
        if self.when_opened and self._attempt("opening") <= self.times:
            os.kill(os.getpid(), signal.SIGKILL)

        def annotate(batch: pa.RecordBatch) -> pa.RecordBatch:
            texts = batch.column(TEXT).to_pylist()
            for text in texts:
                if not self.when_opened and text.startswith(DEADLY) and self._attempt(text.split()[0]) <= self.times:
                    os.kill(os.getpid(), signal.SIGKILL)
            num_words = pa.array([len(text.split()) for text in texts], pa.int64())
            return pa.RecordBatch.from_arrays([num_words], schema=self.adds())

        return annotate

    def _attempt(self, name: str) -> int:
        """Counts this attempt at the text called `name`."""
        number = 1
        while True:
            try:
                (Path(self.folder) / f"{name}-{number}").touch(exist_ok=False)
            except FileExistsError:
                number += 1
            else:
                return number


DEADLY: Final = "DEADLY"


class Harmful(Annotator):
    """Adds `num_words`; what it does at a text with the word `HARM-<kind>` no exception handler sees.

    The kinds: `segfault`, `abort`, `exit`, `killed`, `loop` (in C, holding Python's lock). `raises` is an
    exception, to compare with.
    """

    name: ClassVar[str] = "harmful"

    opens: str = ""
    """What it does when it is opened, if anything."""

    def requires(self) -> pa.Schema:
        return pa.schema([_TEXT_FIELD])

    def adds(self) -> pa.Schema:
        return pa.schema([pa.field("num_words", pa.int64(), nullable=False)])

    def open(self) -> AnnotateFunction:
        if self.opens:
            _do_harm(self.opens)

        def annotate(batch: pa.RecordBatch) -> pa.RecordBatch:
            texts = batch.column(TEXT).to_pylist()
            for text in texts:
                if "HARM-" in text:
                    _do_harm(text.partition("HARM-")[2].split()[0])
            num_words = pa.array([len(text.split()) for text in texts], pa.int64())
            return pa.RecordBatch.from_arrays([num_words], schema=self.adds())

        return annotate


def _do_harm(kind: str) -> None:
    match kind:
        case "segfault":
            ctypes.string_at(0)
        case "abort":
            os.abort()
        case "exit":
            os._exit(3)
        case "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        case "loop":
            deque(repeat(0), maxlen=0)
        case _:
            raise PoisonError(kind)


class NeverOpens(TextLength):
    """As `TextLength`, but its model, say, does not load."""

    name: ClassVar[str] = "never_opens"

    def open(self) -> AnnotateFunction:
        raise PoisonError("no such model")


class TooFewRows(TextLength):
    """As `TextLength`, but one row is missing from what it returns."""

    name: ClassVar[str] = "too_few_rows"

    def open(self) -> AnnotateFunction:
        annotate = super().open()

        def short(batch: pa.RecordBatch) -> pa.RecordBatch:
            return annotate(batch).slice(1)

        return short
