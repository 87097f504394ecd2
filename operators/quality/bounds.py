"""Types of the fields of rule sets. A bound of None turns its rule off."""

from typing import Annotated

from pydantic import AfterValidator, Field

from operators.text.stop_words import check_stop_words

Count = Annotated[int, Field(ge=0)] | None
Ratio = Annotated[float, Field(ge=0)] | None
"""Of two counts. Some that are called fractions can pass 1: parts that overlap count twice."""
Fraction = Annotated[float, Field(ge=0, le=1)] | None

TopNgramBounds = tuple[Ratio, Ratio, Ratio]
"""Of the most frequent n-gram of 2, 3 and 4 words or characters."""
LongNgramBounds = tuple[Ratio, Ratio, Ratio, Ratio, Ratio, Ratio]
"""Of n-grams of 5 to 10 that occur again."""

StopWords = Annotated[tuple[str, ...], AfterValidator(check_stop_words)]
