"""Language identification with a fastText model."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from pipeline.document import LANGUAGE, TEXT, TEXT_TYPE
from pipeline.errors import OperatorError
from pipeline.operator import AnnotateFunction, Annotator, FileRef

LANGUAGE_SCORE: Final = "language_score"
LANGUAGE_FIELDS: Final = (pa.field(LANGUAGE, pa.large_string()), pa.field(LANGUAGE_SCORE, pa.float32()))

LABEL_PREFIX: Final = "__label__"
SCORE_DECIMALS: Final = 4
"""Scores beyond these decimals change with the compiler's order of float additions, so they are not stored."""
SEPARATORS: Final = ("\n", "\0", "</s>")
"""What a model takes for the end of its one line, or for a space: each becomes one space before the model sees it."""


class LanguageId(Annotator):
    """Adds each document's most probable language and its probability.

    Columns:
        Reads `text` (large_string). Adds `language` (large_string, the model's label without its prefix, as "en";
        null where the text holds nothing but whitespace and NUL) and `language_score` (float32 in 0..1, rounded to 4
        decimals; 0 where the language is null).

    Determinism:
        EXACT, on one CPU architecture: scores are rounded to 4 decimals.

    Raises:
        StorageError: in `open`, when the model file is not what was pinned.
        OperatorError: in `open`, when it is no fastText classifier.

    Source:
        Joulin et al. 2016, arXiv 1607.01759 and 1612.03651; lid.176.ftz (licence and source: `lid.176.md`). As in
        FineWeb (Penedo et al. 2024, arXiv 2406.17557, base filtering) the whole text is judged as one line, newlines as
        spaces, up to `max_chars`. A `</s>` in the text would end the line and is a space too.

    Cost:
        About 6 MB/s a core: the model hashes every character n-gram. Memory: 1 MB for the model and one copy of a
        batch's text.
    """

    name: ClassVar[str] = "language_id"

    model: FileRef = FileRef(uri="package:operators.language/lid.176.ftz")
    """Any fastText classifier: its labels are the languages."""
    max_chars: int | None = Field(default=100_000, ge=1)
    """Characters that are judged, from the start of the text; None judges all. The bound keeps one huge document from
    holding up its shard (10 MB take 2 s), and is so high that nearly all documents are judged whole, as published."""

    def requires(self) -> pa.Schema:
        """The text."""
        return pa.schema([pa.field(TEXT, TEXT_TYPE)])

    def adds(self) -> pa.Schema:
        """Language and score."""
        return pa.schema(LANGUAGE_FIELDS)

    def open(self) -> AnnotateFunction:
        """Loads the model."""
        path = self.model.open_path()
        model = load_classifier(path, self.model.uri)
        schema = self.adds()

        def annotate(batch: pa.RecordBatch) -> pa.RecordBatch:
            languages: list[str | None] = []
            scores = np.zeros(batch.num_rows, np.float64)
            for row, line in enumerate(self._lines(batch.column(TEXT))):
                if not line or line.isspace():
                    languages.append(None)
                    continue
                ((score, label),) = model.predict(line + "\n", 1, 0.0, "strict")
                languages.append(label.removeprefix(LABEL_PREFIX))
                scores[row] = min(score, 1.0)
            rounded = np.round(scores, SCORE_DECIMALS).astype(np.float32)
            return pa.record_batch([pa.array(languages, pa.large_string()), pa.array(rounded)], schema=schema)

        return annotate

    def _lines(self, texts: pa.Array) -> Iterator[str]:
        """What the model sees of each text: at most `max_chars`, without line ends."""
        if self.max_chars is not None:
            texts = pc.ascii_ltrim_whitespace(texts)  # separators to the model: blank space must not use up the bound
            texts = pc.utf8_slice_codeunits(texts, 0, self.max_chars)
        for separator in SEPARATORS:
            texts = pc.replace_substring(texts, separator, " ")
        return (text or "" for text in texts.to_pylist())


def load_classifier(path: Path, uri: str) -> Any:  # Any: the binding has no types
    """The binding's model behind the Python wrapper, which would make an array for every prediction."""
    import fasttext  # noqa: PLC0415 -- heavy: only workers that run this need it

    try:
        model = fasttext.load_model(str(path)).f
    except ValueError as error:
        raise OperatorError(f"language_id: model {uri!r}: expected a fastText model; found another format") from error
    if model.getArgs().model.name != "supervised":
        found = model.getArgs().model.name
        raise OperatorError(f"language_id: model {uri!r}: expected a supervised fastText model; found {found!r}")
    return model
