"""How ProX programs are read and when they count: each choice that paper and code leave open, by itself."""

from typing import Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

MAX_REMOVED_FRACTION: Final = 0.95
"""`threshold_2` of the released code: documents that lose so many words, or more, are dropped."""
MAX_ERRORS: Final = 1
"""The released code refuses programs from `error_op` = 2 errors on."""
PUBLISHED_MIN_WORDS: Final = 11
"""The released code drops documents that have at most 10 words left."""

PUBLISHED: Final[dict[str, Any]] = {  # Any: values of fields, of any type
    "normalize_in": "document",
    "verdict_on": "document",
    "unshown_lines": "accept",
    "last_line_of_cut": "read",
    "doc_verdict": "substring",
    "min_words": PUBLISHED_MIN_WORDS,
}


class ExecutionRules(BaseModel):
    """How programs are executed. `mode: published` sets every field that is not given as the released code has it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    mode: Literal["strict", "published"] = "strict"
    """How programs are parsed: `strict` reads quoted strings as such, `published` cuts at the first comma."""
    normalize_in: Literal["chunk", "document"] = "chunk"
    """Where `normalize` replaces: in the lines of the chunk that asked for it, or everywhere."""
    verdict_on: Literal["chunk", "document"] = "chunk"
    """What too many errors void: the edits of the chunk that has them, or those of the whole document."""
    unshown_lines: Literal["refuse", "accept"] = "refuse"
    """Whether `remove_lines` may reach beyond the lines of its chunk; what is refused stays and counts as an error."""
    last_line_of_cut: Literal["discard", "read"] = "discard"
    """What happens to the last line of a program whose writer ran into a limit of length."""
    doc_verdict: Literal["exact", "substring"] = "exact"
    """Whether a document program must be `drop_doc()` to drop, or may hold `drop` anywhere."""
    max_errors: int = Field(default=MAX_ERRORS, ge=0)
    """Errors with which edits still count."""
    max_removed_fraction: float = Field(default=MAX_REMOVED_FRACTION, gt=0, le=1)
    """Documents that lose at least this share of their words are dropped."""
    min_left_fraction: float = Field(default=0.0, ge=0, le=1)
    """`threshold_1`: edits that leave a smaller share of the words are void, unless the document is dropped."""
    min_words: int | None = Field(default=None, ge=0)
    """Words that a document must have left; None: any number, so that another filter may judge it."""

    @model_validator(mode="before")
    @classmethod
    def _fill_in_published(cls, value: Any) -> Any:  # Any: pydantic hands over raw input
        if isinstance(value, dict) and value.get("mode") == "published":
            return {**PUBLISHED, **value}
        return value

    @model_validator(mode="after")
    def _void_what_was_judged(self) -> Self:
        if self.verdict_on == "chunk" and (self.normalize_in == "document" or self.unshown_lines == "accept"):
            raise ValueError(
                f"verdict_on: expected 'document' where edits reach beyond their chunk; found 'chunk' with "
                f"normalize_in {self.normalize_in!r} and unshown_lines {self.unshown_lines!r}"
            )
        return self
