"""Counts the n-grams of token ids into a language model that ngram_loss applies."""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import ClassVar, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import Field

from operators.ngram.counting import count_levels
from operators.ngram.model_file import MAX_ORDER, NGRAM_FILE, Header, LevelFiles, write_model
from operators.ngram.token_lists import TokenLists, token_lists
from operators.ngram.windows import Packing, packing_for, sorted_windows, windows_of
from operators.tokenize.reference import load_tokenizer
from operators.tokenize.tokenizer import TOKENS, TOKENS_TYPE
from pipeline.errors import OperatorError
from pipeline.operator import FileRef, RowReader, Task, TaskFunction, TaskInputs

MAX_COUNT: Final = (1 << 32) - 1
"""Of one n-gram: the file holds counts in 32 bits."""

WINDOWS_AT_ONCE: Final = 1 << 22
"""Windows that are sorted in memory together, some 300 MB of it. Which they are decides no byte of the model."""

Sums = npt.NDArray[np.int64]


class TrainNgram(Task):
    """An n-gram language model of orders 1 to `order`, as the file `ngrams.bin`.

    Probabilities are interpolated Kneser-Ney: from each count a discount is taken, and what is taken from the counts
    after a context goes to the next shorter context, down to equal shares of the vocabulary. Shorter contexts count how
    many different ids stand before an n-gram, so one file holds a ladder: the model of each order up to `order` is what
    it would be if it had been trained alone. N-grams do not reach over the end of a document; a document's first tokens
    are judged by the model of the order that their context is enough for.

    Columns:
        tokens: read; a null counts as empty.

    Determinism:
        Exact. Counts do not depend on the order of rows, nor on what is counted at a time.

    Raises:
        PlanError: `tokenizer` is no tokenizer.
        OperatorError: there is no token, an id that the tokenizer does not have, or an n-gram more than 4 billion
            times.

    Source:
        Kneser and Ney 1995, Improved backing-off for m-gram language modeling; interpolated as in Chen and Goodman
        1998, An empirical study of smoothing techniques for language modeling, section 2.7, with one discount an order.
        Their estimate of it is n1 / (n1 + 2 n2), with n1 and n2 the number of counts that are one and two; here
        (n1 + 1) / (n1 + 2 n2 + 2), which small counts do not make 0 or 1. An n-gram that only begins documents counts
        as if one id stood before it.

    Cost:
        Two passes over the tokens, about a million tokens a CPU-second. They lie on local disk once more, in windows of
        8 to 40 bytes a token; memory is that of four million windows, or of those of the most frequent token if they
        are more. The model takes some 45 bytes a token of varied text, and is written mapped.
    """

    name: ClassVar[str] = "train_ngram"
    produces = "model"

    tokenizer: FileRef
    """The tokenizer.json that made the ids: how many it has is the size of the vocabulary."""
    order: int = Field(default=MAX_ORDER, ge=1, le=MAX_ORDER)
    """Tokens of the longest n-grams."""

    def requires(self) -> pa.Schema:
        """The ids."""
        return pa.schema([pa.field(TOKENS, TOKENS_TYPE)])

    def output_schema(self, given: pa.Schema) -> pa.Schema:  # noqa: ARG002 -- the contract's signature
        """A model has no rows."""
        return pa.schema(())

    def open(self) -> TaskFunction:
        """Reads the tokenizer."""
        vocab_size = load_tokenizer(self.tokenizer).get_vocab_size(with_added_tokens=True)

        def run(inputs: TaskInputs) -> Iterator[tuple[int, pa.RecordBatch]]:
            assert inputs.rows is not None, "the planner gives this task a view"
            self._train(inputs.rows, inputs.directory, vocab_size)
            return iter(())

        return run

    def _train(self, rows: RowReader, folder: Path, vocab_size: int) -> None:
        num_documents, frequencies = self._count_ids(rows, vocab_size)
        packing = packing_for(self.order, vocab_size)
        spills = _Spills(folder, frequencies, packing)
        levels = [LevelFiles(folder, level) for level in range(1, self.order + 1)]
        try:
            for tokens in _tokens(rows):
                spills.add(windows_of(tokens, packing))
            for windows in spills.sorted_parts():
                for level, part in zip(levels, count_levels(windows, packing), strict=True):
                    level.add(part)
            largest = max(level.largest for level in levels)
            if largest > MAX_COUNT:
                raise OperatorError(f"{self.name}: expected at most {MAX_COUNT} of any n-gram; found {largest}")
            header = Header(
                order=self.order,
                vocab_size=vocab_size,
                num_documents=num_documents,
                num_tokens=int(frequencies.sum()),
                num_nodes=(1, *(level.num_nodes for level in levels)),
            )
            write_model(folder / NGRAM_FILE, header, levels)
        finally:
            spills.remove()
            for level in levels:
                level.remove()

    def _count_ids(self, rows: RowReader, vocab_size: int) -> tuple[int, Sums]:
        """How many documents have tokens, and how often each id occurs, (vocabulary,)."""
        num_documents = 0
        frequencies = np.zeros(vocab_size, np.int64)
        for tokens in _tokens(rows):
            if len(tokens.ids) and tokens.ids.max() >= vocab_size:
                raise OperatorError(
                    f"{self.name}: expected ids of tokenizer {self.tokenizer.uri!r}, below {vocab_size}; found "
                    f"{tokens.ids.max()}; name the tokenizer that made the tokens"
                )
            num_documents += int(np.count_nonzero(np.diff(tokens.offsets)))
            frequencies += np.bincount(tokens.ids, minlength=vocab_size)
        if num_documents == 0:
            raise OperatorError(f"{self.name}: expected tokens to count; found none in the view")
        return num_documents, frequencies


def _tokens(rows: RowReader) -> Iterator[TokenLists]:
    for _, batch in rows.batches((TOKENS,)):
        yield token_lists(batch.column(TOKENS))


class _Spills:
    """Windows on disk, spread by their first id over files that follow each other in the windows' order."""

    def __init__(self, folder: Path, frequencies: Sums, packing: Packing) -> None:
        # A file begins with the id at which the windows so far fill another one.
        before = np.cumsum(frequencies) - frequencies
        self._file_of = np.cumsum(np.diff(before // WINDOWS_AT_ONCE, prepend=0) > 0)  # (vocabulary,)
        self._paths = [folder / f"windows-{number}" for number in range(int(self._file_of[-1]) + 1)]
        self._packing = packing

    def add(self, windows: npt.NDArray[np.uint64]) -> None:
        """Appends windows to the files that they belong to."""
        packing = self._packing
        shift = (packing.ids_per_word - np.uintp(1)).astype(np.uint64) * packing.id_bits
        files = self._file_of[(windows[:, 0] >> shift) - np.uint64(1)]
        order = np.argsort(files, kind="stable")
        bounds = np.searchsorted(files[order], np.arange(len(self._paths) + 1))
        for path, (begin, end) in zip(self._paths, pairwise(bounds), strict=True):
            if begin < end:
                with path.open("ab") as out:
                    out.write(windows[order[begin:end]].data)

    def sorted_parts(self) -> Iterator[npt.NDArray[np.uint64]]:
        """All windows in their order, a file at a time; its file is gone then."""
        for path in self._paths:
            if path.exists():
                words = np.fromfile(path, np.uint64)
                path.unlink()
                yield sorted_windows(words.reshape(-1, int(self._packing.num_words)))

    def remove(self) -> None:
        """Deletes what is left."""
        for path in self._paths:
            path.unlink(missing_ok=True)
