"""What the operators over shingles share: the settings of shingles, and how documents come to kernels."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np
import pyarrow as pa
from pydantic import model_validator

from operators.dedup.settings import MinHashSettings, Ngram, check_tokenizer
from operators.dedup.shingles import TOKEN_BYTES, Shingling, Unit, shingling
from operators.text.normalized_characters import CharacterRule, Normalization, normalize_characters, text_of
from pipeline.document import TEXT, TEXT_TYPE
from pipeline.kernel import Bytes, Offsets, text_buffers
from pipeline.operator import Annotator, FileRef

if TYPE_CHECKING:
    from tokenizers import Tokenizer

_UNITS: Final = {
    Unit.WORD: "words (in scripts written without spaces a character is a word)",
    Unit.CHARACTER: "characters",
    Unit.TOKEN: "tokens",
}
_NORMALIZATIONS: Final = {
    Normalization.DATATROVE: "lower case, numbers as 0, without punctuation and nonspacing marks",
    Normalization.LOWERCASE: "lower case, without ASCII punctuation, runs of white space as one space",
    Normalization.NONE: "of the text as it is",
}

DocumentReader = Callable[[pa.Array], tuple[Bytes, Offsets]]
"""From the text column to the bytes that kernels read, and the (D + 1,) bounds of documents in them."""


class ShingleOperator(Annotator):
    """An annotator that cuts texts into shingles."""

    ngram: Ngram = 5
    """Units of a shingle. A document with fewer is one shingle, so it is compared whole."""
    unit: Unit = Unit.WORD
    """`word`: in scripts written without spaces every character is a word; `character`: a code point; `token`."""
    normalization: Normalization = Normalization.DATATROVE
    """`datatrove`: lower case, numbers as `0`, no punctuation, no nonspacing marks; `lowercase`: lower case, ASCII
    punctuation dropped; both make runs of white space one space; `none`: the text as it is."""
    tokenizer: FileRef | None = None
    """A Hugging Face `tokenizer.json`, for unit `token` alone."""

    @model_validator(mode="after")
    def _tokens_have_a_tokenizer(self) -> Self:
        check_tokenizer(self.unit, self.tokenizer)
        return self

    def requires(self) -> pa.Schema:
        """The text."""
        return pa.schema([pa.field(TEXT, TEXT_TYPE, nullable=False)])

    def shingle_note(self) -> str:
        """What a shingle is, in words."""
        return f"shingles: {self.ngram} {_UNITS[self.unit]}, {_NORMALIZATIONS[self.normalization]}"

    def open_shingling(self) -> tuple[Shingling, DocumentReader]:
        """What kernels need, and how documents come to them."""
        how = shingling(self.unit, self.ngram, self.normalization)
        if self.tokenizer is None:
            return how, text_buffers
        # The library takes part of a second to load, which words and characters need not pay.
        from operators.tokenize.reference import load_tokenizer  # noqa: PLC0415

        tokenizer = load_tokenizer(self.tokenizer)
        return how, lambda column: _token_buffers(column, tokenizer, how.rule)


def shingle_settings(of: ShingleOperator | MinHashSettings) -> dict[str, Any]:  # Any: fields of any type
    """The fields of a ShingleOperator, for another one that makes the same shingles."""
    return {name: getattr(of, name) for name in ShingleOperator.model_fields}


def _token_buffers(column: pa.Array, tokenizer: "Tokenizer", rule: CharacterRule) -> tuple[Bytes, Offsets]:
    """The ids of the tokens of normalised texts, as bytes."""
    from operators.tokenize.reference import encode_texts  # noqa: PLC0415 -- as in `open_shingling`

    data, offsets = text_buffers(column)
    texts = []
    characters = np.empty(int(np.diff(offsets).max(initial=0)) + 1, np.uint32)
    for start, stop in zip(offsets[:-1].tolist(), offsets[1:].tolist(), strict=True):
        texts.append(text_of(characters[: normalize_characters(data, start, stop, rule, characters)]))
    documents = encode_texts(tokenizer, texts)
    bounds = np.zeros(len(documents) + 1, np.int64)
    np.cumsum([TOKEN_BYTES * ids.size for ids in documents], out=bounds[1:])
    flat = b"".join(ids.astype("<u4").tobytes() for ids in documents)
    # Read-only, as text is: kernels are compiled for one kind.
    bounds.flags.writeable = False
    return np.frombuffer(flat, np.uint8), bounds
