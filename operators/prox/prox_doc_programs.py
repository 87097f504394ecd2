"""Asks a model whether to keep a document, as ProX's first stage does."""

from typing import ClassVar, Final, Literal

import pyarrow as pa
from pydantic import Field

from operators.models.generation import Finish, load_generator
from operators.models.grammar import Choice, compile_grammar
from operators.models.model_annotator import ModelAnnotator
from operators.models.model_tokenizer import load_model_tokenizer
from operators.models.prompt import compile_prompt
from operators.models.settings import Engine
from operators.prox.model_programs import PROMPTS, fitting_prompts
from operators.prox.programs import DOC_PROGRAM, DOC_PROGRAM_TYPE
from pipeline.document import TEXT
from pipeline.operator import AnnotateFunction, FileRef

WINDOW_ROWS: Final = 256
MAX_PROMPT_TOKENS: Final = 2000
"""GAIR-NLP/ProX at b3fcbb2, `apply_doc_refining.py`."""
ANSWERS: Final = ("drop_doc()", "keep_doc()")
MAX_FREE_TOKENS: Final = 16
"""An answer has some five; the released code lets the model write 2,000, and looks for `drop` in all of them."""


class ProxDocPrograms(ModelAnnotator):
    """The program that a model writes for a whole document, `drop_doc()` or `keep_doc()`: the first stage of ProX.

    With `answer: choice` the likelier of the two; with `answer: free` whatever the model writes. `prox_drop` acts on
    it.

    Columns:
        text: read. Of a document that exceeds `max_prompt_tokens` the model sees the beginning.
        prox_doc_program: added; large_string. Null for an empty text, and where the prompt exceeds what the model was
            made for.

    Determinism:
        Depends on the hardware: where both answers are nearly as likely, the other one may be given. Rows are seen in
        windows of 256 of their shard, so that one machine gives equal programs for any number of workers and any batch
        size.

    Raises:
        PlanError: the extra of the engine is not installed, the folder holds no causal model with a tokenizer, or the
            template has no place for the text or lets the answers' tokens merge with its end.

    Source:
        Zhou et al. 2024, arXiv 2409.17115, section 2.2, and its code, GAIR-NLP/ProX at b3fcbb2. That code cuts the
        finished prompt, so that of a long document the end of the template is lost; `over_length: prompt` does so, too.

    Cost:
        Reading of at most `max_prompt_tokens` tokens a document, and for `free` the writing of some five.
    """

    name: ClassVar[str] = "prox_doc_programs"
    engines: ClassVar[tuple[Engine, ...]] = ("transformers", "vllm")
    window_rows: ClassVar[int | None] = WINDOW_ROWS

    prompt: FileRef = FileRef(uri=f"{PROMPTS}/doc_llama2.txt")
    """The whole prompt with its special tokens, and `{text}` for the document. `doc_chatml.txt` stands beside it."""
    answer: Literal["choice", "free"] = "choice"
    max_prompt_tokens: int = Field(default=MAX_PROMPT_TOKENS, ge=1)
    over_length: Literal["text", "prompt"] = "text"
    """What is cut where a prompt is too long: the text in it, or the prompt at its end."""

    def adds(self) -> pa.Schema:
        """The program."""
        return pa.schema([pa.field(DOC_PROGRAM, DOC_PROGRAM_TYPE)])

    def open(self) -> AnnotateFunction:
        """Loads the model, its tokenizer and the prompt."""
        tokenizer = load_model_tokenizer(self.name, self.model, self.settings)
        template = self.prompt.open_path().read_text(encoding="utf-8")
        where = f"{self.name}: prompt {self.prompt.uri!r}"
        prompt = compile_prompt(template, tokenizer, where)

        def encode(text: str) -> list[int]:
            return list(tokenizer.encode(text, add_special_tokens=False).ids)

        grammar = (
            compile_grammar((Choice(ANSWERS),), encode, prompt.context, where) if self.answer == "choice" else None
        )
        generator = load_generator(self.name, self.model, self.settings, tokenizer)

        def answers(prompts: list[list[int]]) -> list[str | None]:
            if grammar is not None:
                chosen = generator.choose(prompts, grammar)
                return [None if found is None else ANSWERS[found.options[0]] for found in chosen]
            written = generator.write(prompts, max_tokens=MAX_FREE_TOKENS)
            return [None if found.finish is Finish.OVERLONG else found.text for found in written]

        def annotate(batch: pa.RecordBatch) -> pa.RecordBatch:
            texts = batch.column(TEXT).fill_null("").to_pylist()
            rows = [row for row, text in enumerate(texts) if text]
            shown = [texts[row] for row in rows]
            if self.over_length == "text":
                prompts = fitting_prompts(shown, prompt, tokenizer, self.max_prompt_tokens)
            else:
                prompts = [ids[: self.max_prompt_tokens] for ids in prompt.encode(shown, tokenizer)]
            programs: list[str | None] = [None] * batch.num_rows
            for row, program in zip(rows, answers(prompts), strict=True):
                programs[row] = program
            return pa.RecordBatch.from_arrays([pa.array(programs, DOC_PROGRAM_TYPE)], schema=self.adds())

        return annotate
