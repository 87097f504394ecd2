"""Ratings of documents by a model that answers as DataMan's do."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Literal

import pyarrow as pa
from pydantic import Field, model_validator

from operators.dataman.answers import IS_RATED, Status, Values, parse_answer, rating_columns, values_of
from operators.dataman.criteria import LINES, MIN_MASS, STATUS, Mode, choices_of, rating_fields
from operators.dataman.excerpt import Excerpt, ExcerptLimits, excerpts
from operators.models.generation import ChosenAnswer, Finish, Generator, Prompts, load_generator
from operators.models.grammar import Choice, Grammar, GrammarTokens, compile_grammar
from operators.models.model_annotator import ModelAnnotator
from operators.models.model_tokenizer import load_model_tokenizer
from operators.models.prompt import compile_prompt
from operators.models.settings import Engine
from operators.tokenize.reference import use_one_core
from pipeline.document import TEXT
from pipeline.operator import AnnotateFunction, FileRef

Language = Literal["en", "zh"]

PROMPTS: Final = "package:operators.dataman/prompts"
MAX_TOKENS: Final[dict[Language, int]] = {"en": 1_894, "zh": 1_896}
MAX_CHARS: Final[dict[Language, int]] = {"en": 20_000, "zh": 60_000}
"""Of a text, by language: pengr/DataMan `scripts/data_tools`, `truncate_max_length` and `char_truncate_max_length`.
With the released prompts that fills the 2,068 tokens of the models' training."""

MASS_DECIMALS: Final = 4
WINDOW_ROWS: Final = 512


@dataclass(frozen=True, slots=True)
class _Answer:
    """What came of one document."""

    values: Values | None
    status: Status
    min_mass: float | None = None


_AnswerAll = Callable[[Prompts], list[_Answer]]


class DataManRatings(ModelAnnotator):
    """What a model answers when it is asked to rate a document by fourteen criteria and to name its domain.

    The model sees the text without a quoted ellipsis at its beginning and without images that have no description; of
    a long text it sees the head and the tail. Its answer is a letter and fourteen digits, a line each. With
    `decoding: constrained` it can say nothing else: each is the likeliest of those that may stand there, and what the
    model would rather have said shows in the mass, the probability that it gave to all of them together. With
    `decoding: free` it writes what it likes, and what is not such an answer is refused. A document has all its ratings
    or none.

    Columns:
        text: read; never changed.
        dataman_accuracy, dataman_coherence, dataman_language_consistency, dataman_semantic_density,
            dataman_knowledge_novelty, dataman_topic_focus, dataman_creativity, dataman_professionalism,
            dataman_style_consistency, dataman_grammatical_diversity, dataman_structural_standardization,
            dataman_originality, dataman_sensitivity, dataman_overall_score: written; int8 in 1..5, more is better. Null
            where the document is not rated. With `mode: score_only` the last alone, with `domain_only` none.
        dataman_domain: written; string, one of fifteen names, as "Retail E-commerce". Null where the document is not
            rated. Not written with `mode: score_only`.
        dataman_status: written; string. Rated: `ok`, or `truncated` where head and tail were judged. Not rated:
            `low_mass`, `malformed`, `empty` (no text), `overlong` (text and prompt exceed the model's context).
        dataman_min_mass: written; float32 in 0..1, four decimals. The least mass over the answer's lines; null with
            `decoding: free` and where the model was not asked.

    Determinism:
        Depends on the hardware: masses before rounding by about 1e-5 in float32, and a rating where two are as likely.
        Rows are seen in windows of 512 of their shard.

    Raises:
        PlanError: the extra of the engine is not installed, the folder holds no causal model with a tokenizer, the
            prompt has no `{text}`, or the model's tokenizer does not make one token of a letter or digit in its line.

    Source:
        Peng et al. 2025, DataMan, arXiv:2502.19363; prompts, limits and order of answers of pengr/DataMan,
        `data_tools/dataman_annotate.py`. There all decoding is free, ratings out of range are kept (released ones have
        0), the domain is not checked, and the excerpt takes the place of the text. Refused answers are flagged here.

    Cost:
        A forward pass over prompt and excerpt, then one step for each line but the last. What all prompts begin with is
        computed once for a window. benchmarks/results/models.json compares it with free decoding.
    """

    name: ClassVar[str] = "dataman_ratings"
    engines: ClassVar[tuple[Engine, ...]] = ("transformers", "vllm")
    window_rows: ClassVar[int | None] = WINDOW_ROWS

    mode: Mode = "all_rating"
    """What is asked: the domain and all ratings, the overall score alone, or the domain alone."""
    language: Language = "en"
    """Of the released models; decides the prompt and the limits that are not given."""
    prompt: FileRef = FileRef(uri=f"{PROMPTS}/released_all_rating_en.txt")
    """The whole prompt, special tokens included, with `{text}` for the excerpt. Default: what the released models of
    mode and language were trained on; for other chat models, `package:operators.dataman/prompts/instruct_MODE_en.txt`
    explains what is asked, in ChatML."""
    decoding: Literal["constrained", "free"] = "constrained"
    """Whether the model may write nothing but an answer, or anything."""
    min_mass: float = Field(default=0.5, ge=0, le=1)
    """Least mass of a line with which an answer counts; below one half the model wanted to say something else."""
    max_tokens: int = Field(default=MAX_TOKENS["en"], ge=2)
    """Of the excerpt; a longer text is cut to halves of this from its head and its tail."""
    max_chars: int = Field(default=MAX_CHARS["en"], ge=2)
    """Of a text before it is tokenized, cut the same way."""
    ellipsis: str = "..."
    """What stands where tokens were cut; the released models were trained without one."""

    @model_validator(mode="before")
    @classmethod
    def _published_settings(cls, value: Any) -> Any:  # Any: pydantic hands over raw input
        if not isinstance(value, dict):
            return value
        mode, language = value.get("mode", "all_rating"), value.get("language", "en")
        if language not in MAX_TOKENS or mode not in LINES:
            return value  # the fields' own types say what is wrong
        published = {
            "prompt": f"{PROMPTS}/released_{mode}_{language}.txt",
            "max_tokens": MAX_TOKENS[language],
            "max_chars": MAX_CHARS[language],
        }
        return {**published, **value}

    def adds(self) -> pa.Schema:
        """The ratings that are asked for, and how they came about."""
        return pa.schema(
            [
                *rating_fields(self.mode),
                pa.field(STATUS, pa.string(), nullable=False),
                pa.field(MIN_MASS, pa.float32()),
            ]
        )

    def open(self) -> AnnotateFunction:
        """Loads the model, its tokenizer and the prompt."""
        use_one_core()
        tokenizer = load_model_tokenizer(self.name, self.model, self.settings)
        template = self.prompt.open_path().read_text(encoding="utf-8")
        prompt = compile_prompt(template, tokenizer, f"{self.name}: prompt {self.prompt.uri!r}")
        tokens = compile_grammar(
            answer_grammar(self.mode),
            lambda text: tokenizer.encode(text, add_special_tokens=False).ids,
            prompt.context,
            f"{self.name}: prompt {self.prompt.uri!r}",
        )
        answer_all = self._answering(load_generator(self.name, self.model, self.settings, tokenizer), tokens)
        limits = ExcerptLimits(self.max_tokens, self.max_chars, self.ellipsis)
        schema = self.adds()

        def annotate(batch: pa.RecordBatch) -> pa.RecordBatch:
            shown = excerpts(
                ["" if text is None else text for text in batch.column(TEXT).to_pylist()], tokenizer, limits
            )
            asked = [row for row, excerpt in enumerate(shown) if excerpt.text]
            answers = [_Answer(None, Status.EMPTY)] * len(shown)
            found = answer_all(prompt.encode([shown[row].text for row in asked], tokenizer))
            for row, answer in zip(asked, found, strict=True):
                answers[row] = _of_excerpt(answer, shown[row])
            return pa.RecordBatch.from_arrays(_columns(answers, self.mode), schema=schema)

        return annotate

    def _answering(self, generator: Generator, tokens: GrammarTokens) -> _AnswerAll:
        """How prompts become answers."""

        def choose(prompts: Prompts) -> list[_Answer]:
            return [self._of_choices(chosen) for chosen in generator.choose(prompts, tokens)]

        def write(prompts: Prompts) -> list[_Answer]:
            # As many tokens as the answer has: models that were trained on answers alone need not end them.
            return [
                _Answer(None, Status.OVERLONG)
                if written.finish is Finish.OVERLONG
                else _of_values(parse_answer(written.text, self.mode), None)
                for written in generator.write(prompts, max_tokens=tokens.max_tokens)
            ]

        return choose if self.decoding == "constrained" else write

    def _of_choices(self, chosen: ChosenAnswer | None) -> _Answer:
        if chosen is None:
            return _Answer(None, Status.OVERLONG)
        mass = round(chosen.min_mass, MASS_DECIMALS)
        if mass < self.min_mass:
            return _Answer(None, Status.LOW_MASS, mass)
        lines = [choices_of(name)[option] for name, option in zip(LINES[self.mode], chosen.options, strict=True)]
        return _of_values(values_of(lines, self.mode), mass)


def answer_grammar(mode: Mode) -> Grammar:
    """What an answer may be: the choice of each line, line by line."""
    first, *others = [Choice(choices_of(line)) for line in LINES[mode]]
    return (first, *(part for choice in others for part in ("\n", choice)))


def _of_values(values: Values | None, mass: float | None) -> _Answer:
    return _Answer(values, Status.MALFORMED if values is None else Status.OK, mass)


def _of_excerpt(answer: _Answer, excerpt: Excerpt) -> _Answer:
    """The answer, which says so where it is of head and tail."""
    if answer.status is Status.OK and excerpt.is_truncated:
        return _Answer(answer.values, Status.TRUNCATED, answer.min_mass)
    return answer


def _columns(answers: Sequence[_Answer], mode: Mode) -> list[pa.Array]:
    assert all((answer.values is not None) == (answer.status in IS_RATED) for answer in answers)
    return [
        *rating_columns([answer.values for answer in answers], mode),
        pa.array([answer.status.value for answer in answers], pa.string()),
        pa.array([answer.min_mass for answer in answers], pa.float32()),
    ]
