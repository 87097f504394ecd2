"""Columns as recipes name them, with their types, and the values of scores as numbers."""

from collections.abc import Sequence
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import BaseModel, ConfigDict, GetJsonSchemaHandler, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from pipeline.operator import FloatArray

Scores = npt.NDArray[np.float32]

_TYPES: Final = {
    "float32": pa.float32(),
    "float64": pa.float64(),
    "int8": pa.int8(),
    "int16": pa.int16(),
    "int32": pa.int32(),
    "int64": pa.int64(),
    "string": pa.string(),
    "large_string": pa.large_string(),
}


class NamedColumn(BaseModel):
    """A column with its type. In a recipe its name alone stands for one of the usual type."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    column: str
    type: str

    @model_validator(mode="before")
    @classmethod
    def _from_string(cls, value: Any) -> Any:  # Any: pydantic hands over raw input
        return {"column": value} if isinstance(value, str) else value

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Editors see both spellings."""
        return {"anyOf": [{"type": "string"}, handler.resolve_ref_schema(handler(core_schema))]}

    @property
    def field(self) -> pa.Field:
        """The column with its Arrow type."""
        return pa.field(self.column, _TYPES[self.type])


class ScoreColumn(NamedColumn):
    """A column of numbers."""

    type: Literal["float32", "float64", "int8", "int16", "int32", "int64"] = "float32"


class CellColumn(NamedColumn):
    """A column of names."""

    type: Literal["string", "large_string"] = "string"


def check_distinct(columns: Sequence[str]) -> None:
    """Refuses columns of which one stands twice.

    Raises:
        ValueError: one does.
    """
    if len(set(columns)) != len(columns):
        raise ValueError(f"columns: expected distinct names; found {list(columns)}")


def score_values(batch: pa.RecordBatch, column: str) -> Scores:
    """The (D,) values of a column of numbers as float32s; NaN where there is none, or one that is not finite."""
    values = batch.column(column).cast(pa.float64(), safe=False).fill_null(float("nan"))
    return finite_scores(values.to_numpy(zero_copy_only=False))


def finite_scores(values: FloatArray) -> Scores:
    """Values as float32s; NaN where that is not finite."""
    with np.errstate(over="ignore"):
        scores = values.astype(np.float32)
    return np.where(np.isfinite(scores), scores, np.float32(np.nan))
