"""Two classes of documents to train a scorer with, and a share of both that is held out to judge it by."""

from typing import ClassVar, Final, Literal, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field, FiniteFloat, model_validator

from operators.dedup.seeded_hash import seeded_hashes
from operators.select.named_columns import CellColumn, ScoreColumn, score_values
from pipeline.document import DOC_ID, DOC_ID_TYPE
from pipeline.operator import AnnotateFunction, Annotator, BoolArray, Determinism

LABEL: Final = "label"
TRAINING_LABEL: Final = "training_label"
LABEL_TYPE: Final = pa.large_string()
POSITIVE: Final = "positive"
NEGATIVE: Final = "negative"
Label = Literal["positive", "negative"]


class LabelDocuments(Annotator):
    """Whether a document is a positive or a negative example, and whether a scorer may learn from it.

    Labels come from a column of names, as `source`, or from scores with two cut points, between which documents are
    no examples.

    Columns:
        reads doc_id and the column of `names` or of `scores`.
        adds label (large_string): `positive`, `negative`, or null for what is no example; and training_label
            (large_string): the same, but null for documents that are held out.

    Determinism:
        SEEDED: a document is held out by a hash of its doc_id.

    Raises:
        ValidationError: at construction, where labels come from both or from neither, or classes overlap.

    Source:
        The cut points are those of GigaVerbo (Corrêa et al. 2024, arXiv:2411.07854), of scores by a language model: 0.8
        and more is of high quality, 0.6 and less of low.

    Cost:
        Some tens of nanoseconds a document; no text.
    """

    name: ClassVar[str] = "label_documents"
    determinism = Determinism.SEEDED

    names: CellColumn | None = None
    """A column of names, for labels by `positive` and `negative`."""
    positive: tuple[str, ...] = ()
    """Names of positive examples."""
    negative: tuple[str, ...] = ()
    """Names of negative examples."""
    scores: ScoreColumn | None = None
    """Instead of names: a column of scores, for labels by `min_positive` and `max_negative`."""
    min_positive: FiniteFloat = 0.8
    """Least score of a positive example."""
    max_negative: FiniteFloat = 0.6
    """Highest score of a negative example."""
    held_out: float = Field(default=0.1, gt=0, lt=1)
    """Share of the examples that scorers do not learn from."""
    seed: int = Field(default=1, ge=0, lt=1 << 32)
    """Of what is held out."""

    @model_validator(mode="after")
    def _one_kind_of_label(self) -> Self:
        if (self.names is None) == (self.scores is None):
            raise ValueError("expected exactly one of names and scores")
        if (self.names is not None) != bool(self.positive and self.negative):
            raise ValueError(
                f"positive, negative: expected names of both classes where labels come from names, and none elsewhere; "
                f"found {list(self.positive)} and {list(self.negative)}"
            )
        both = sorted(set(self.positive) & set(self.negative))
        if both:
            raise ValueError(f"positive, negative: expected different names; found {both} in both")
        if self.max_negative >= self.min_positive:
            raise ValueError(
                f"max_negative: expected less than min_positive, {self.min_positive}; found {self.max_negative}"
            )
        return self

    def requires(self) -> pa.Schema:
        """The id, and what tells examples apart."""
        labelled = self.names or self.scores
        assert labelled is not None, "one of the two is there"
        return pa.schema([pa.field(DOC_ID, DOC_ID_TYPE, nullable=False), labelled.field])

    def adds(self) -> pa.Schema:
        """Both labels."""
        return pa.schema([pa.field(LABEL, LABEL_TYPE), pa.field(TRAINING_LABEL, LABEL_TYPE)])

    def open(self) -> AnnotateFunction:
        """Nothing to load."""
        return self._annotate

    def _annotate(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        is_positive, is_negative = self._classes(batch)
        held_out = seeded_hashes(batch.column(DOC_ID), self.seed) < np.uint64(int(self.held_out * 2.0**64))
        labels = pa.array(np.where(is_positive, POSITIVE, NEGATIVE), LABEL_TYPE, mask=~(is_positive | is_negative))
        training = pc.if_else(pa.array(held_out), pa.scalar(None, LABEL_TYPE), labels)
        return pa.RecordBatch.from_arrays([labels, training], schema=self.adds())

    def _classes(self, batch: pa.RecordBatch) -> tuple[BoolArray, BoolArray]:
        """(D,) which rows are positive examples, and which negative ones."""
        if self.scores is not None:
            scores = score_values(batch, self.scores.column)  # NaN, which is neither, where there is none
            return scores >= np.float32(self.min_positive), scores <= np.float32(self.max_negative)
        assert self.names is not None, "one of the two is there"
        column = batch.column(self.names.column)

        def is_one_of(names: tuple[str, ...]) -> BoolArray:
            found: BoolArray = pc.is_in(column, pa.array(names, column.type)).to_numpy(zero_copy_only=False)
            return found

        return is_one_of(self.positive), is_one_of(self.negative)
