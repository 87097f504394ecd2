"""Judges a scorer by documents that it has not learnt from, and writes its card."""

import json
from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Final, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from operators.scorer.card import card_text
from operators.scorer.evaluation import DECIMALS, area_under_curve, calibration, top_documents
from operators.scorer.label_documents import LABEL, LABEL_TYPE, NEGATIVE, POSITIVE, TRAINING_LABEL
from operators.select.named_columns import ScoreColumn, Scores, score_values
from pipeline.document import DOC_ID, DOC_ID_TYPE
from pipeline.errors import OperatorError
from pipeline.operator import BoolArray, FileRef, RowReader, Task, TaskFunction, TaskInputs

CARD_FILE: Final = "card.json"
CARD_TEXT_FILE: Final = "card.md"

Share = Annotated[float, Field(gt=0, le=1)]


class HeldOut(NamedTuple):
    """Documents that the scorer has not learnt from, in the order of their ids. D of them."""

    scores: Scores
    is_positive: BoolArray
    reference: Scores | None


class JudgeScorer(Task):
    """What a scorer is worth, as `card.json`, and as `card.md` for people.

    The card names the model by its content and says, of the examples that were held out: how many there are, the area
    under the ROC curve, the expected calibration error with the table behind it, and what the best documents by score
    have in common with the labels and, where there is one, with the reference score.

    Columns:
        reads doc_id, label and training_label (of `label_documents`), `score` and, if given, `reference`. Held out is
        what has a label and no training_label. Rows without a finite score are counted and left out.

    Determinism:
        EXACT: documents are ordered by doc_id before anything is summed.

    Raises:
        OperatorError: no held-out document of one of the classes has a score.

    Source:
        Calibration: Guo et al. 2017, arXiv:1706.04599, in bins of equal width.

    Cost:
        One pass over the columns. Held-out examples are in memory, some 50 bytes each.
    """

    name: ClassVar[str] = "judge_scorer"
    produces = "model"

    model: FileRef
    """The file that the scorer applies; the card names it by its content."""
    score: ScoreColumn
    """The scorer's column."""
    reference: ScoreColumn | None = None
    """A score that the scorer is to imitate, such as that of a language model."""
    top_shares: tuple[Share, ...] = Field(default=(0.1, 0.2, 0.5), min_length=1)
    """Shares of the best documents that are compared."""

    def requires(self) -> pa.Schema:
        """Labels and scores."""
        scores = [self.score.field, *([self.reference.field] if self.reference else [])]
        labels = [pa.field(name, LABEL_TYPE) for name in (LABEL, TRAINING_LABEL)]
        return pa.schema([pa.field(DOC_ID, DOC_ID_TYPE, nullable=False), *labels, *scores])

    def output_schema(self, given: pa.Schema) -> pa.Schema:  # noqa: ARG002 -- the contract's signature
        """A model has no rows."""
        return pa.schema(())

    def open(self) -> TaskFunction:
        """Checks that the model is the one that was pinned."""
        self.model.open_path()

        def run(inputs: TaskInputs) -> Iterator[tuple[int, pa.RecordBatch]]:
            assert inputs.rows is not None, "the planner gives this task a view"
            card = self._card(inputs.rows)
            text = json.dumps(card, indent=2, allow_nan=False) + "\n"
            (inputs.directory / CARD_FILE).write_text(text, encoding="utf-8")
            (inputs.directory / CARD_TEXT_FILE).write_text(card_text(card), encoding="utf-8")
            return iter(())

        return run

    def _card(self, rows: RowReader) -> dict[str, Any]:  # Any: JSON
        trained = {POSITIVE: 0, NEGATIVE: 0}
        parts = []
        num_unscored = 0
        for _, batch in rows.batches(tuple(self.requires().names)):
            for name in trained:
                trained[name] += pc.sum(pc.equal(batch.column(TRAINING_LABEL), name)).as_py() or 0
            held = batch.filter(pc.and_(batch.column(LABEL).is_valid(), batch.column(TRAINING_LABEL).is_null()))
            scored = ~np.isnan(score_values(held, self.score.column))
            num_unscored += int((~scored).sum())
            parts.append(held.filter(pa.array(scored)))
        held_out = self._held_out(parts)
        error, table = calibration(held_out.scores, held_out.is_positive)
        num_positive = int(held_out.is_positive.sum())
        references: list[BoolArray | Scores] = [held_out.is_positive]
        if held_out.reference is not None:
            references.append(held_out.reference)
        return {
            "model": {"file": self.model.file_name, "content": self.model.digest},
            "score": self.score.column,
            "training": {"num_positive": trained[POSITIVE], "num_negative": trained[NEGATIVE]},
            "held_out": {
                "num_positive": num_positive,
                "num_negative": len(held_out.scores) - num_positive,
                "num_unscored": num_unscored,
            },
            "area_under_curve": round(area_under_curve(held_out.scores, held_out.is_positive), DECIMALS),
            "calibration_error": error,
            "calibration": table,
            "top": [
                {key: value for one in references for key, value in top_documents(held_out.scores, one, share).items()}
                for share in self.top_shares
            ],
        }

    def _held_out(self, parts: list[pa.RecordBatch]) -> HeldOut:
        rows = pa.Table.from_batches(parts).combine_chunks().sort_by(DOC_ID) if parts else None
        if rows is not None and rows.num_rows:
            (batch,) = rows.to_batches()
            is_positive = pc.equal(batch.column(LABEL), POSITIVE).to_numpy(zero_copy_only=False)
            if is_positive.any() and not is_positive.all():
                reference = score_values(batch, self.reference.column) if self.reference else None
                if reference is not None:
                    reference[np.isnan(reference)] = -np.inf
                return HeldOut(score_values(batch, self.score.column), is_positive, reference)
        raise OperatorError(
            f"{self.name}: expected held-out documents of both classes with a finite {self.score.column!r}; found "
            f"{0 if rows is None else rows.num_rows} documents, of one class at most; hold out more, or label more"
        )
