"""Turns text into token ids with a Hugging Face `tokenizer.json`. Only our policy adds tokens around a document."""

from typing import Annotated, ClassVar, Final, Literal, Self

import numpy as np
import pyarrow as pa
from pydantic import Field

from operators.tokenize.encoded import tokens_column
from operators.tokenize.encoder import Encoder
from operators.tokenize.engines import REFERENCE, EngineName, LoadedTokenizer, loaded_tokenizer
from operators.tokenize.reference import Ids, use_one_core
from operators.tokenize.special_strings import count_special, special_strings
from pipeline.document import DOC_ID, DOC_ID_TYPE, TEXT, TEXT_TYPE
from pipeline.errors import PlanError
from pipeline.operator import AnnotateFunction, Annotator, FileRef, SpeedOnly

TOKENS: Final = "tokens"
NUM_TOKENS: Final = "num_tokens"
NUM_SPECIAL: Final = "num_special_in_text"
TOKENS_TYPE: Final = pa.large_list(pa.uint32())

EOS_CANDIDATES: Final = (
    "<|endoftext|>",
    "</s>",
    "<|end_of_text|>",
    "<|endofdocument|>",
    "<eos>",
    "<|im_end|>",
)
"""Names that released tokenizers give their end-of-document token, those for documents before those for chat turns."""

BOS_CANDIDATES: Final = ("<s>", "<|begin_of_text|>", "<bos>", "<|startoftext|>")
"""Names that released tokenizers give the token before a document."""


class SpecialTokenInText(ValueError):  # noqa: N818 -- it is the reason that the ledger gives
    """A document writes a special token out, where such documents go to quarantine."""


class Tokenize(Annotator):
    """Token ids of each document's text, as the tokenizer file defines them.

    Truncation, padding and the template of the file's post-processor are off. `append_eos` ends each document that
    has any token with the end-of-document token, `prepend_bos` begins it with one; an empty document has no tokens,
    so no token stands for nothing.

    What a page says that writes a special token out, such as `<|endoftext|>`, is text (`special_in_text: text`): it
    gets the ids of these characters. `parse` gives it the special token's id, `quarantine` puts the document aside.

    A faster engine encodes in the place of `tokenizers`: the first of fastokens and gigatoken that is installed, loads
    the file and agrees on some hundred probes, which cover the special tokens, whitespace, normalization and scripts.
    Documents that an engine refuses, and those with special tokens for one that cannot read them as text, are encoded
    by `tokenizers`. `check_share` of the documents, drawn by a hash of their ids, are encoded by both; if one differs,
    the whole step is made again with `tokenizers`. The manifest says which engine it was.

    Columns:
        reads text, where null counts as empty, and doc_id.
        adds tokens (list of uint32, never null), num_tokens (int64, their count, never null) and num_special_in_text
        (int64, never null): how often the text writes one of the special tokens out.

    Determinism:
        EXACT. A document's ids depend on its text and the tokenizer file alone.

    Raises:
        PlanError: the file is no tokenizer, no token to put around documents can be found, or the tokenizer would make
            that token out of plain text.
        FallBackNeeded: the engine gave other ids than `tokenizers`.

    Source:
        The `tokenizers` library is the meaning: `encode_special_tokens=True, add_special_tokens=False`.

    Cost:
        For byte-level BPE of 50,000 tokens some 16 million tokens (50 MB) a second and core where the words are new to
        the engine, several times that where they are not; `tokenizers` 1 to 2 MB. The share checked costs about 3 %.
        A word of any length takes n log n. The engine holds some 300 MB.
    """

    name: ClassVar[str] = "tokenize"
    version: ClassVar[int] = 2

    tokenizer: FileRef
    append_eos: bool = True
    eos_token: str | None = None
    """None: the first of `EOS_CANDIDATES` that the tokenizer has as an added token."""
    prepend_bos: bool = False
    bos_token: str | None = None
    """None: the first of `BOS_CANDIDATES` that the tokenizer has as an added token."""
    special_in_text: Literal["text", "parse", "quarantine"] = "text"
    """What a special token that a text writes out becomes: text, the token, or the reason to put the document aside."""
    engine: Annotated[EngineName, SpeedOnly] = "auto"
    """What encodes; the ids are those of `tokenizers` in any case."""
    check_share: Annotated[float, SpeedOnly, Field(ge=0, le=1)] = 0.001
    """Share of the documents that an engine's ids are compared for. All of 1,000 documents take 1."""

    def requires(self) -> pa.Schema:
        """The text, and the id that decides what is checked."""
        return pa.schema([pa.field(DOC_ID, DOC_ID_TYPE, nullable=False), pa.field(TEXT, TEXT_TYPE, nullable=False)])

    def adds(self) -> pa.Schema:
        """The ids, their count, and the count of special tokens written out."""
        return pa.schema(
            [
                pa.field(TOKENS, TOKENS_TYPE, nullable=False),
                pa.field(NUM_TOKENS, pa.int64(), nullable=False),
                pa.field(NUM_SPECIAL, pa.int64(), nullable=False),
            ]
        )

    def fallback(self) -> Self | None:
        """The same with `tokenizers`."""
        return None if self.engine == REFERENCE else self.model_copy(update={"engine": REFERENCE})

    def made_with(self) -> str:
        """The engine and its version."""
        return self._loaded().made_with

    def open(self) -> AnnotateFunction:
        """Loads the tokenizer."""
        use_one_core()
        loaded = self._loaded()
        eos = self._added_token(loaded, self.append_eos, self.eos_token, EOS_CANDIDATES, ("eos", "end"))
        bos = self._added_token(loaded, self.prepend_bos, self.bos_token, BOS_CANDIDATES, ("bos", "begin"))
        special, encoder = special_strings(loaded.special), Encoder(self.name, loaded, self.check_share)
        schema = self.adds()

        def annotate(batch: pa.RecordBatch) -> pa.RecordBatch:
            texts = batch.column(TEXT).fill_null("")
            num_special = count_special(special, texts)
            if self.special_in_text == "quarantine" and num_special.any():
                raise SpecialTokenInText(f"{self.name}: expected no special token in the text; found one")
            documents = encoder.encode(texts, batch.column(DOC_ID), num_special)
            tokens, lengths = tokens_column(documents, bos, eos)
            return pa.RecordBatch.from_arrays(
                [tokens, pa.array(lengths, pa.int64()), pa.array(num_special, pa.int64())], schema=schema
            )

        return annotate

    def _loaded(self) -> LoadedTokenizer:
        return loaded_tokenizer(self.tokenizer, self.engine, self.special_in_text == "parse")

    def _added_token(
        self,
        loaded: LoadedTokenizer,
        wanted: bool,
        named: str | None,
        candidates: tuple[str, ...],
        use: tuple[str, str],
    ) -> Ids:
        """The ids to put at one end of a document: one or none.

        Args:
            use: of the token: as the fields are called, and what it does to documents.
        """
        if not wanted:
            return np.empty(0, np.uint32)
        short, does = use
        added = {token.content: number for number, token in loaded.reference.get_added_tokens_decoder().items()}
        names = candidates if named is None else (named,)
        token = next((name for name in names if name in added), None)
        if token is None:
            switch = "append_eos" if short == "eos" else "prepend_bos"
            raise PlanError(
                f"{self.name}: tokenizer {self.tokenizer.uri!r}: expected one of the added tokens {list(names)} to "
                f"{does} documents with; found added tokens {sorted(added)[:20]}; set {short}_token to one of them, or "
                f"set {switch} to false"
            )
        forged = loaded.reference.encode(f"a{token} {token} a", add_special_tokens=False).ids
        if self.special_in_text != "parse" and added[token] in forged:
            raise PlanError(
                f"{self.name}: tokenizer {self.tokenizer.uri!r}: expected the text {token!r} to become ordinary "
                f"tokens; found that it becomes the token to {does} documents with, so any document could forge a "
                f"boundary; mark it as special in the file, or choose another {short}_token"
            )
        return np.array([added[token]], np.uint32)
