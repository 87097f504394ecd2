"""Trains a linear classifier of embeddings, from documents that a column tells apart."""

import json
from collections.abc import Iterator
from typing import ClassVar, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from operators.scorer.label_documents import LABEL_TYPE, NEGATIVE, POSITIVE, TRAINING_LABEL
from operators.scorer.logistic_regression import Features, fit
from pipeline.document import DOC_ID, DOC_ID_TYPE
from pipeline.errors import OperatorError
from pipeline.operator import BoolArray, RowReader, Task, TaskFunction, TaskInputs

LINEAR_FILE: Final = "linear.json"
WEIGHT_DECIMALS: Final = 9


class TrainLinear(Task):
    """A logistic regression on an embedding, as the file `linear.json`.

    The file has dimensions, weights (one a dimension), bias, num_positive and num_negative.

    Columns:
        reads doc_id, training_label (of `label_documents`) and `embedding` (fixed_size_list of `dimensions` float32s).
        Rows without a label or without an embedding are left out.

    Determinism:
        EXACT, on one CPU architecture: examples are ordered by doc_id, and kernels add them up in that order.

    Raises:
        OperatorError: a class has no example.

    Source:
        Newton's method on the mean log loss with an L2 penalty, which has one minimum.

    Cost:
        Some ten passes over the examples, each of F^2 / 2 multiplications an example: a second for 10,000 of 384
        dimensions. Examples are in memory, 4 bytes a number.
    """

    name: ClassVar[str] = "train_linear"
    produces = "model"

    embedding: str = "embedding"
    dimensions: int = Field(ge=1)
    l2: float = Field(default=1e-3, gt=0)
    """Penalty on the squares of the weights, beside the mean loss of an example."""

    def requires(self) -> pa.Schema:
        """Labels and embeddings."""
        return pa.schema(
            [
                pa.field(DOC_ID, DOC_ID_TYPE, nullable=False),
                pa.field(TRAINING_LABEL, LABEL_TYPE),
                pa.field(self.embedding, pa.list_(pa.float32(), self.dimensions)),
            ]
        )

    def output_schema(self, given: pa.Schema) -> pa.Schema:  # noqa: ARG002 -- the contract's signature
        """A model has no rows."""
        return pa.schema(())

    def open(self) -> TaskFunction:
        """Returns the training."""

        def run(inputs: TaskInputs) -> Iterator[tuple[int, pa.RecordBatch]]:
            assert inputs.rows is not None, "the planner gives this task a view"
            features, is_positive = self._examples(inputs.rows)
            weights = np.round(fit(features, is_positive, self.l2), WEIGHT_DECIMALS).tolist()
            num_positive = int(is_positive.sum())
            found = {
                "dimensions": self.dimensions,
                "num_positive": num_positive,
                "num_negative": len(is_positive) - num_positive,
                "bias": weights[-1],
                "weights": weights[:-1],
            }
            (inputs.directory / LINEAR_FILE).write_text(json.dumps(found, allow_nan=False) + "\n", encoding="utf-8")
            return iter(())

        return run

    def _examples(self, rows: RowReader) -> tuple[Features, BoolArray]:
        """The (N, F) embeddings and (N,) labels, in the order of ids."""
        ids, labels, vectors = [], [], []
        for _, batch in rows.batches(tuple(self.requires().names)):
            both = pc.and_(batch.column(TRAINING_LABEL).is_valid(), batch.column(self.embedding).is_valid())
            chosen = batch.filter(both)
            ids.extend(chosen.column(DOC_ID).to_pylist())
            labels.append(pc.equal(chosen.column(TRAINING_LABEL), POSITIVE).to_numpy(zero_copy_only=False))
            vectors.append(vectors_of(chosen.column(self.embedding), self.dimensions))
        is_positive = np.concatenate(labels) if labels else np.zeros(0, np.bool_)
        for name, found in ((POSITIVE, is_positive.any()), (NEGATIVE, not is_positive.all())):
            if not len(is_positive) or not found:
                raise OperatorError(
                    f"{self.name}: expected documents with an embedding of both classes; found none that is {name}"
                )
        order = np.array(sorted(range(len(ids)), key=ids.__getitem__))
        return np.concatenate(vectors)[order], is_positive[order]


def vectors_of(column: pa.Array, dimensions: int) -> Features:
    """A column of embeddings as (N, F) numbers; 0 where a row has none."""
    filled = pc.if_else(column.is_valid(), column, pa.scalar([0.0] * dimensions, column.type))
    values: Features = filled.flatten().to_numpy(zero_copy_only=False).reshape(-1, dimensions)
    return np.ascontiguousarray(values)
