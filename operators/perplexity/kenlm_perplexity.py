"""Perplexity of documents under an n-gram language model of their language, as CCNet measures it."""

from collections.abc import Callable, Sequence
from typing import ClassVar, Final, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BaseModel, ConfigDict, Field

from operators.perplexity.line_normalization import normalized_lines
from pipeline.document import LANGUAGE, TEXT, TEXT_TYPE
from pipeline.errors import PlanError
from pipeline.operator import AnnotateFunction, Annotator, FileRef

PERPLEXITY: Final = "perplexity"
PERPLEXITY_TOKENS: Final = "perplexity_tokens"
PERPLEXITY_TYPE: Final = pa.float32()

PERPLEXITY_DECIMALS: Final = 1
"""Decimals of a stored perplexity: CCNet's `DocLM` keeps as many."""
MAX_PERPLEXITY: Final = float(np.finfo(np.float32).max)
"""What a larger one is stored as: a model without `<unk>` gives an unknown token a probability of 10^-100."""


class LanguageModel(BaseModel):
    """The files that one language is scored with."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: FileRef
    """A KenLM model, ARPA or binary, of SentencePiece tokens."""
    sentencepiece: FileRef
    """The SentencePiece model that makes the tokens."""


class _Score(NamedTuple):
    perplexity: float
    num_tokens: int


ScoreFunction = Callable[[Sequence[str]], list[_Score | None]]


class KenlmPerplexity(Annotator):
    """How unlikely a language model finds a text: ten to the negated mean of the tokens' log probabilities.

    A text is normalised as CCNet does (lower case, no accents, digits as 0, plain punctuation, no control characters)
    and cut into SentencePiece tokens line by line. The perplexity is 10 to the power of -s / (n + l), where s is the
    sum of the log10 probabilities of all lines, each with its end, n the number of tokens and l the number of lines.
    Blank lines do not count.

    Columns:
        text, language: read.
        perplexity: written; float32, one decimal, at least 1. Low is like the model's corpus, for good or by
            repetition. Null where the text has nothing to score or no model is for its language.
        perplexity_tokens: written; int64, n. Null where the perplexity is.

    Determinism:
        Exact, with the same versions of kenlm and sentencepiece.

    Raises:
        PlanError: the extra `perplexity` is not installed, or a file is no such model.

    Source:
        Wenzek et al. 2019, CCNet, arXiv:1911.00359, section 3.2; formula, normalisation and decimals of
        facebookresearch/cc_net, `perplexity.py` and `text_normalizer.py`. There, normalising the whole text before it
        is tokenized takes the line feeds away, so that a document is one line; here lines are scored one by one, as
        its `DocLM` does with `normalize`, but blank ones do not count.

    Cost:
        About 0.7 million tokens, 3 MB of English, a CPU-second, most of it SentencePiece. Memory is the models': binary
        models are mapped, and shared between the workers of a machine; CCNet's take 1 to 4 GB a language.
    """

    name: ClassVar[str] = "kenlm_perplexity"

    models: dict[str, LanguageModel] = Field(min_length=1)
    """By the label in `language`: a mapping with `model`, a KenLM file, and `sentencepiece`, the file of its tokens."""

    def requires(self) -> pa.Schema:
        """The text and its language."""
        return pa.schema([pa.field(TEXT, TEXT_TYPE, nullable=False), pa.field(LANGUAGE, pa.large_string())])

    def adds(self) -> pa.Schema:
        """The perplexity, and how many tokens it is of."""
        return pa.schema([pa.field(PERPLEXITY, PERPLEXITY_TYPE), pa.field(PERPLEXITY_TOKENS, pa.int64())])

    def open(self) -> AnnotateFunction:
        """Loads the models."""
        scorers = {language: _load(self.name, self.models[language]) for language in sorted(self.models)}
        schema = self.adds()

        def annotate(batch: pa.RecordBatch) -> pa.RecordBatch:
            scores: list[_Score | None] = [None] * batch.num_rows
            languages = batch.column(LANGUAGE)
            for language, score in scorers.items():
                is_spoken = pc.fill_null(pc.equal(languages, language), fill_value=False)
                rows = np.flatnonzero(is_spoken.to_numpy(zero_copy_only=False))
                texts = batch.column(TEXT).take(pa.array(rows)).to_pylist()
                for row, found in zip(rows.tolist(), score(texts), strict=True):
                    scores[row] = found
            perplexities = pa.array([None if one is None else one.perplexity for one in scores], PERPLEXITY_TYPE)
            num_tokens = pa.array([None if one is None else one.num_tokens for one in scores], pa.int64())
            return pa.RecordBatch.from_arrays([perplexities, num_tokens], schema=schema)

        return annotate


def _load(operator: str, files: LanguageModel) -> ScoreFunction:
    """The function that scores texts of one language."""
    try:
        import kenlm  # noqa: PLC0415 -- an extra that only workers that run this need
        import sentencepiece  # noqa: PLC0415 -- as above
    except ImportError as error:
        raise PlanError(
            f"{operator}: expected the packages kenlm and sentencepiece; {error}; install corpusmill[perplexity]"
        ) from error
    config = kenlm.Config()
    config.show_progress = False
    config.arpa_complain = kenlm.ARPALoadComplain.NONE  # that a binary file would load faster, on stderr
    model_path, sentencepiece_path = str(files.model.open_path()), str(files.sentencepiece.open_path())
    try:
        model = kenlm.Model(model_path, config)
    except (OSError, RuntimeError) as error:
        raise _refusal(operator, "model", files.model, "a KenLM model, ARPA or binary") from error
    try:
        processor = sentencepiece.SentencePieceProcessor(model_file=sentencepiece_path)
    except (OSError, RuntimeError) as error:
        raise _refusal(operator, "sentencepiece", files.sentencepiece, "a SentencePiece model") from error

    def score(texts: Sequence[str]) -> list[_Score | None]:
        return [_scored(processor.encode(normalized_lines(text), out_type=str), model.score) for text in texts]

    return score


def _refusal(operator: str, field: str, file: FileRef, expected: str) -> PlanError:
    return PlanError(f"{operator}: {field} {file.uri!r}: expected {expected}; found a file that does not load")


def _scored(lines: Sequence[Sequence[str]], log10_of: Callable[[str], float]) -> _Score | None:
    """The perplexity of a document whose `lines` are lists of tokens."""
    num_tokens = sum(map(len, lines))
    if not num_tokens:
        return None
    log10 = sum(log10_of(" ".join(tokens)) for tokens in lines)
    exponent = min(-log10 / (num_tokens + len(lines)), np.log10(MAX_PERPLEXITY))
    return _Score(min(round(10.0**exponent, PERPLEXITY_DECIMALS), MAX_PERPLEXITY), num_tokens)
