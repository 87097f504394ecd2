"""Trains the fastText classifier that fasttext_score applies, from documents that a column tells apart."""

import ctypes
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final, Self

import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field, model_validator

from pipeline.document import DOC_ID, DOC_ID_TYPE, SOURCE, TEXT, TEXT_TYPE
from pipeline.errors import OperatorError
from pipeline.operator import RowReader, Task, TaskFunction, TaskInputs

if TYPE_CHECKING:
    import fasttext

MODEL_FILE: Final = "model.bin"
POSITIVE_LABEL: Final = "__label__1"
NEGATIVE_LABEL: Final = "__label__0"
END_OF_LINE: Final = "</s>"

M_PERTURB: Final = -6
"""glibc's `mallopt` parameter: fill allocated memory with the complement of a byte."""
FILL_WITH_ZEROS: Final = 255

NUM_SPILLS: Final = 64
"""Files over which lines are spread by id; each is sorted in memory, so memory is this part of the training text."""

FORGED_LABEL = re.compile(r"(?<![^ \n\r\t\v\f\0])__label__[^ \n\r\t\v\f\0]*")
"""A word of a text that fastText would take for a label of the document; its own whitespace bounds it."""


class FastTextTraining(BaseModel):
    """How a classifier is trained; the defaults are those of `train_fasttext`'s source."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    lr: float = Field(default=0.1, gt=0)
    epoch: int = Field(default=5, ge=1)
    word_ngrams: int = Field(default=2, ge=1)
    dim: int = Field(default=100, ge=1)
    bucket: int = Field(default=2_000_000, ge=1)
    """Rows of the table that word n-grams are hashed into."""
    min_count: int = Field(default=1, ge=1)
    """Rarer words are left out."""
    zero_eos: bool = True
    """Set the weight of `</s>`, which every document has once, to 0."""
    seed: int = Field(default=1, ge=1, lt=1 << 31)
    """fastText's default, 0, means the same as 1 to its generator."""


class TrainFastText(Task, FastTextTraining):
    """A two-class fastText model, `__label__1` against `__label__0`, as the file `model.bin`.

    Documents are learnt in the order of their ids, which are hashes: fastText does not shuffle, and a view's order
    would show it one source after another. Newlines become spaces, and words that fastText would read as labels are
    left out; nothing else is changed.

    Columns:
        reads text, doc_id and `label_column` (string): values in `positive` and in `negative` make the two classes,
        documents with other values are left out.

    Determinism:
        EXACT. One thread, and a fixed seed; more threads would race for the same weights. With one thread fastText
        draws initial weights for the first tenth of its table only and takes the rest as it finds the memory, which
        made training differ from run to run, or fail on a NaN. Here that memory is zero.

    Raises:
        OperatorError: a class has no document, training failed, or the C library is not glibc.

    Source:
        Shum et al., "Predictive Data Selection" (2025), arXiv:2503.00808, table 5: lr 0.1, 5 epochs, word bigrams,
        dimension 100, no character n-grams, weight of `</s>` set to 0 against a length bias. The other defaults are
        fastText's, as theirs: min_count 1, bucket 2,000,000, softmax. Their script has 3 epochs and leaves `</s>`.

    Cost:
        Two passes over the text on disk per epoch on one core. The model takes (words + bucket) x dim x 4 bytes, in
        memory and as a file: 0.8 GB by default, 0.7 MB with dim 16 and bucket 10,000.
    """

    name: ClassVar[str] = "train_fasttext"
    produces = "model"

    positive: tuple[str, ...] = Field(min_length=1)
    negative: tuple[str, ...] = Field(min_length=1)
    label_column: str = SOURCE

    @model_validator(mode="after")
    def _disjoint_classes(self) -> Self:
        both = sorted(set(self.positive) & set(self.negative))
        if both:
            raise ValueError(f"expected positive and negative to be disjoint; found {both} in both")
        return self

    def requires(self) -> pa.Schema:
        """The text, what decides its class, and the id that decides its turn."""
        label_type = pa.string() if self.label_column == SOURCE else pa.large_string()
        return pa.schema(
            [
                pa.field(DOC_ID, DOC_ID_TYPE, nullable=False),
                pa.field(TEXT, TEXT_TYPE, nullable=False),
                pa.field(self.label_column, label_type),
            ]
        )

    def output_schema(self, given: pa.Schema) -> pa.Schema:  # noqa: ARG002 -- the contract's signature
        """A model has no rows."""
        return pa.schema(())

    def open(self) -> TaskFunction:
        """Returns the training."""

        def run(inputs: TaskInputs) -> Iterator[tuple[int, pa.RecordBatch]]:
            assert inputs.rows is not None, "the planner gives this task a view"
            lines = inputs.directory / "lines.txt"
            try:
                self._write_lines(inputs.rows, lines)
                model = self._train(lines)
            finally:
                lines.unlink(missing_ok=True)
            model.save_model(str(inputs.directory / MODEL_FILE))
            return iter(())

        return run

    def _write_lines(self, rows: RowReader, path: Path) -> None:
        """One line per document, `label text`, in the order of doc_ids."""
        spills = [path.with_name(f"spill-{n:02d}") for n in range(NUM_SPILLS)]
        try:
            self._spill(rows, spills)
            with path.open("wb") as out:
                for spill in spills:
                    # Lines begin with the id in hex, so that sorting them sorts by id.
                    for line in sorted(spill.read_bytes().split(b"\n")[:-1]) if spill.exists() else ():
                        out.write(line[2 * DOC_ID_TYPE.byte_width :] + b"\n")
        finally:
            for spill in spills:
                spill.unlink(missing_ok=True)

    def _spill(self, rows: RowReader, spills: list[Path]) -> None:
        """Appends `id label text` lines to the spill file that the id's first byte selects."""
        label_of = dict.fromkeys(self.positive, POSITIVE_LABEL) | dict.fromkeys(self.negative, NEGATIVE_LABEL)
        num_lines = {POSITIVE_LABEL: 0, NEGATIVE_LABEL: 0}
        for _, batch in rows.batches((DOC_ID, TEXT, self.label_column)):
            columns = [batch.column(name).to_pylist() for name in (DOC_ID, TEXT, self.label_column)]
            lines: dict[int, list[str]] = {}
            for doc_id, text, value in zip(*columns, strict=True):
                label = label_of.get(value)
                if label is not None and text is not None:
                    num_lines[label] += 1
                    where = doc_id[0] * NUM_SPILLS >> 8
                    lines.setdefault(where, []).append(f"{doc_id.hex()}{label} {training_text(text)}\n")
            for where, new in lines.items():
                with spills[where].open("ab") as out:
                    out.write("".join(new).encode())
        for values, label in ((self.positive, POSITIVE_LABEL), (self.negative, NEGATIVE_LABEL)):
            if num_lines[label] == 0:
                raise OperatorError(
                    f"{self.name}: expected documents whose {self.label_column!r} is one of {list(values)}; found none"
                )

    def _train(self, lines: Path) -> "fasttext.FastText._FastText":
        import fasttext  # noqa: PLC0415 -- heavy: only workers that run this need it

        try:
            with zeroed_allocations():
                model = fasttext.train_supervised(
                    str(lines),
                    lr=self.lr,
                    epoch=self.epoch,
                    wordNgrams=self.word_ngrams,
                    dim=self.dim,
                    bucket=self.bucket,
                    minCount=self.min_count,
                    minn=0,
                    maxn=0,
                    loss="softmax",
                    seed=self.seed,
                    thread=1,
                    verbose=0,
                )
        except (RuntimeError, ValueError) as error:
            raise OperatorError(
                f"{self.name}: expected training to converge; found that fastText gave up: {error}; try a smaller lr "
                "or min_count"
            ) from error
        row = model.get_word_id(END_OF_LINE)
        if self.zero_eos and row >= 0:
            weights = model.get_input_matrix()
            weights[row] = 0
            model.set_matrices(weights, model.get_output_matrix())
        return model


@contextmanager
def zeroed_allocations() -> Iterator[None]:
    """While it is entered, memory that this process allocates in pieces of more than a kilobyte is zero."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except AttributeError as error:
        raise OperatorError(
            "train_fasttext: expected glibc, to give fastText zeroed memory; found another C library; train on Linux "
            "with glibc"
        ) from error
    mallopt(M_PERTURB, FILL_WITH_ZEROS)
    try:
        yield
    finally:
        mallopt(M_PERTURB, 0)


def training_text(text: str) -> str:
    """The text on one line, without words that would label it."""
    return FORGED_LABEL.sub("", text.strip().replace("\n", " "))
