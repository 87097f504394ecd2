"""Asks a model for the ProX programs of a document's chunks."""

from typing import ClassVar, Final, Literal

import pyarrow as pa
from pydantic import Field

from operators.models.generation import Finish, load_generator
from operators.models.model_annotator import ModelAnnotator
from operators.models.model_tokenizer import load_model_tokenizer
from operators.models.prompt import compile_prompt
from operators.models.settings import Engine
from operators.prox.chunks import MAX_CHUNK_TOKENS, cut_chunks, numbered_lines, tokens_of_lines
from operators.prox.model_programs import PROMPTS, ProgramCheck
from operators.prox.programs import PROGRAMS, PROGRAMS_TYPE
from pipeline.document import TEXT
from pipeline.operator import AnnotateFunction, FileRef

WINDOW_ROWS: Final = 256
MAX_PROGRAM_TOKENS: Final = 256
"""GAIR-NLP/ProX at b3fcbb2, `apply_chunk_refining.py`."""


class ProxChunkPrograms(ModelAnnotator):
    """The programs that a model writes for the chunks of a document: the second stage of ProX.

    The model sees as many numbered lines at once as have `max_chunk_tokens` tokens, and writes freely, always the
    likeliest token. A worker warns where fewer than half of its first 64 programs can be read: with another template
    than the model's, its programs change nothing.

    Columns:
        text: read.
        prox_programs: added; as `prox_execute` reads it, one entry a chunk. `is_cut` where the program has
            `max_program_tokens` tokens; an empty program where the prompt exceeds what the model was made for. An empty
            text has no chunks.

    Determinism:
        Depends on the hardware: where two tokens are nearly as likely, another one may be written. Rows are seen in
        windows of 256 of their shard, so that one machine gives equal programs for any number of workers and any batch
        size.

    Raises:
        PlanError: the extra of the engine is not installed, the folder holds no causal model with a tokenizer, or the
            template has no place for the text.

    Source:
        Zhou et al. 2024, arXiv 2409.17115, appendix A.4, and its code, GAIR-NLP/ProX at b3fcbb2. The templates are
        those that `gair-prox/web-chunk-refining-lm` was tried with by others, of which the plain one works best. The
        code counts the tokens of each line by itself, with those that its tokenizer puts around a text, as here.

    Cost:
        Generation of 20 to 60 tokens for a chunk of 1,500, most often.
    """

    name: ClassVar[str] = "prox_chunk_programs"
    engines: ClassVar[tuple[Engine, ...]] = ("transformers", "vllm")
    window_rows: ClassVar[int | None] = WINDOW_ROWS

    prompt: FileRef = FileRef(uri=f"{PROMPTS}/chunk_plain.txt")
    """The whole prompt with its special tokens, and `{text}` for the lines. `chunk_llama2.txt` and `chunk_chatml.txt`
    stand beside the default."""
    max_chunk_tokens: int = Field(default=MAX_CHUNK_TOKENS, ge=1)
    chunk_unit: Literal["tokens", "words"] = "tokens"
    """What is counted; words, between whitespace, are faster, and were counted for the paper."""
    max_program_tokens: int = Field(default=MAX_PROGRAM_TOKENS, ge=1)

    def adds(self) -> pa.Schema:
        """The programs."""
        return pa.schema([pa.field(PROGRAMS, PROGRAMS_TYPE)])

    def open(self) -> AnnotateFunction:
        """Loads the model, its tokenizer and the prompt."""
        tokenizer = load_model_tokenizer(self.name, self.model, self.settings)
        template = self.prompt.open_path().read_text(encoding="utf-8")
        prompt = compile_prompt(template, tokenizer, f"{self.name}: prompt {self.prompt.uri!r}")
        generator = load_generator(self.name, self.model, self.settings, tokenizer)
        check = ProgramCheck(self.name, self.prompt.uri)
        counted_by = tokenizer if self.chunk_unit == "tokens" else None

        def annotate(batch: pa.RecordBatch) -> pa.RecordBatch:
            documents = [numbered_lines(text) for text in batch.column(TEXT).fill_null("").to_pylist()]
            chunks = [
                (row, chunk, "\n".join(lines[chunk.first_line : chunk.last_line + 1]))
                for row, lines in enumerate(documents)
                for chunk in cut_chunks(tokens_of_lines(counted_by, lines), self.max_chunk_tokens)
            ]
            prompts = prompt.encode([shown for _, _, shown in chunks], tokenizer)
            written = generator.write(prompts, max_tokens=self.max_program_tokens)
            check.look_at([found.text for found in written if found.finish is not Finish.OVERLONG])
            entries: list[list[dict[str, object]]] = [[] for _ in range(batch.num_rows)]
            for (row, chunk, _), found in zip(chunks, written, strict=True):
                is_cut = found.finish is Finish.LENGTH
                entries[row].append({**chunk._asdict(), "program": found.text, "is_cut": is_cut})
            return pa.RecordBatch.from_arrays([pa.array(entries, PROGRAMS_TYPE)], schema=self.adds())

        return annotate
