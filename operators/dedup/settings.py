"""The settings of MinHash deduplication: bounds of the fields, and all of them as one value."""

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from operators.dedup.shingles import Unit
from operators.text.normalized_characters import Normalization
from pipeline.operator import FileRef

NumBands = Annotated[int, Field(ge=1)]
RowsPerBand = Annotated[int, Field(ge=1)]
Ngram = Annotated[int, Field(ge=1)]
Seed = Annotated[int, Field(ge=0, lt=1 << 32)]
CalibrationPairs = Annotated[int, Field(ge=0)]


class MinHashSettings(BaseModel):
    """The fields of MinHashSignature: `MinHashSignature(**dict(settings))`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    num_bands: NumBands = 14
    rows_per_band: RowsPerBand = 8
    ngram: Ngram = 5
    unit: Unit = Unit.WORD
    normalization: Normalization = Normalization.DATATROVE
    seed: Seed = 1
    tokenizer: FileRef | None = None

    @model_validator(mode="after")
    def _tokens_have_a_tokenizer(self) -> Self:
        check_tokenizer(self.unit, self.tokenizer)
        return self


def check_tokenizer(unit: Unit, tokenizer: FileRef | None) -> None:
    """Refuses tokens without a tokenizer, and a tokenizer that nothing would use."""
    if unit is Unit.TOKEN and tokenizer is None:
        raise ValueError("expected a tokenizer for unit 'token'; found none; set tokenizer to a tokenizer.json")
    if unit is not Unit.TOKEN and tokenizer is not None:
        raise ValueError(
            f"expected no tokenizer for unit {unit.value!r}; found {tokenizer.uri!r}; set unit to token, or drop it"
        )
