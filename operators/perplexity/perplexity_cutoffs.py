"""Finds the perplexities below which fixed shares of each language's documents lie, exactly and over the corpus."""

import json
from collections.abc import Iterator
from typing import ClassVar, Final, Self

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field, model_validator

from operators.perplexity.kenlm_perplexity import PERPLEXITY, PERPLEXITY_TYPE
from operators.select.score_ranks import scores_at_ranks
from operators.select.share_threshold import Keys, keys_of
from pipeline.document import LANGUAGE
from pipeline.errors import OperatorError
from pipeline.operator import RowReader, Task, TaskFunction, TaskInputs

CUTOFFS_FILE: Final = "cutoffs.json"
HEAD_PERCENT: Final = 30
MIDDLE_PERCENT: Final = 60
"""CCNet's percentiles: `PerplexityBucket` in facebookresearch/cc_net, perplexity.py."""


class PerplexityCutoffs(Task):
    """The perplexities that end the head and the middle of each language, as the file `cutoffs.json`.

    A cutoff is the lowest perplexity such that at least that percentage of the language's documents has it or a lower
    one. Documents without a perplexity or a language are ignored.

    The file has head_percent, middle_percent, and by language: head, middle (float32s written as numbers) and
    num_documents.

    Columns:
        perplexity, language: read.

    Determinism:
        Exact: documents are counted and never sampled; their order does not matter.

    Raises:
        OperatorError: no document has a perplexity.
        ValidationError: `middle_percent` is not above `head_percent`.

    Source:
        Wenzek et al. 2019, CCNet, arXiv:1911.00359, section 3.2: three parts of equal size; the released code cuts at
        30 and 60 %, at percentiles of a sample that come with it.

    Cost:
        Two passes over two columns. Memory is a histogram of 65,536 counts, half a MiB, a language, twice in the second
        pass.
    """

    name: ClassVar[str] = "perplexity_cutoffs"
    produces = "model"

    head_percent: int = Field(default=HEAD_PERCENT, ge=1, le=99)
    middle_percent: int = Field(default=MIDDLE_PERCENT, ge=1, le=99)

    @model_validator(mode="after")
    def _middle_follows_head(self) -> Self:
        if self.middle_percent <= self.head_percent:
            raise ValueError(f"middle_percent: expected more than {self.head_percent}; found {self.middle_percent}")
        return self

    def requires(self) -> pa.Schema:
        """The perplexity and whose model gave it."""
        return pa.schema([pa.field(PERPLEXITY, PERPLEXITY_TYPE), pa.field(LANGUAGE, pa.large_string())])

    def output_schema(self, given: pa.Schema) -> pa.Schema:  # noqa: ARG002 -- the contract's signature
        """A model has no rows."""
        return pa.schema(())

    def open(self) -> TaskFunction:
        """Returns the search."""

        def run(inputs: TaskInputs) -> Iterator[tuple[int, pa.RecordBatch]]:
            assert inputs.rows is not None, "the planner gives this task a view"
            found = {
                "head_percent": self.head_percent,
                "middle_percent": self.middle_percent,
                "languages": self._cutoffs(inputs.rows),
            }
            text = json.dumps(found, indent=2, sort_keys=True, allow_nan=False)
            (inputs.directory / CUTOFFS_FILE).write_text(text + "\n", encoding="utf-8")
            return iter(())

        return run

    def _cutoffs(self, rows: RowReader) -> dict[str, dict[str, float | int]]:
        """By language: where its head and its middle end, and how many documents it has."""
        found = scores_at_ranks(
            lambda: _scored(rows), lambda size: [-(-percent * size // 100) for percent in self._percents]
        )
        if not found:
            raise OperatorError(f"{self.name}: expected rows with a {PERPLEXITY!r} and a {LANGUAGE!r}; found none")
        return {
            language: {"head": head, "middle": middle, "num_documents": size}
            for language, (size, (head, middle)) in found.items()
        }

    @property
    def _percents(self) -> tuple[int, int]:
        return self.head_percent, self.middle_percent


def _scored(rows: RowReader) -> Iterator[tuple[str, Keys]]:
    """Languages with the sortable keys of their perplexities, batch by batch."""
    for _, batch in rows.batches((PERPLEXITY, LANGUAGE)):
        has_both = pc.and_(batch.column(PERPLEXITY).is_valid(), batch.column(LANGUAGE).is_valid())
        scored = batch.filter(has_both)
        keys = keys_of(scored.column(PERPLEXITY).to_numpy())
        languages = scored.column(LANGUAGE).dictionary_encode()
        codes = languages.indices.to_numpy()
        for code, language in enumerate(languages.dictionary.to_pylist()):
            yield language, keys[codes == code]
