"""Turns text into token ids with a Hugging Face `tokenizer.json`. Only our policy adds an end-of-document token."""

import os
from typing import TYPE_CHECKING, ClassVar, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline.document import TEXT, TEXT_TYPE
from pipeline.errors import PlanError
from pipeline.operator import AnnotateFunction, Annotator, FileRef

if TYPE_CHECKING:
    from tokenizers import Tokenizer

TOKENS: Final = "tokens"
NUM_TOKENS: Final = "num_tokens"
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

ENCODE_CHARS: Final = 1 << 20
"""Characters handed to the library in one call: its encodings take some 100 bytes a token until they are copied out."""

Ids = npt.NDArray[np.uint32]


class Tokenize(Annotator):
    """Token ids of each document's text, as the tokenizer file defines them.

    Special tokens are never read out of the text: a page that says `<|endoftext|>` gets the ids of these characters.
    Truncation, padding and the template of the file's post-processor are off. `append_eos` ends each document that
    has any token with the end-of-document token; an empty document has no tokens, so no token stands for nothing.

    Columns:
        reads text; a null text counts as empty.
        adds tokens (list of uint32, never null) and num_tokens (int64, their count, never null).

    Determinism:
        EXACT. A document's ids depend on its text and the tokenizer file alone.

    Raises:
        PlanError: the file is no tokenizer, no end-of-document token can be found, or the tokenizer would make the
            end-of-document token out of plain text.

    Source:
        The `tokenizers` library is the meaning: `encode_special_tokens=True, add_special_tokens=False`.

    Cost:
        About 2 MB of text a second and core for byte-level BPE; pre-tokenizing is half of it. Linear also for one
        word of a megabyte (half a second), because the library merges through a queue. Documents are encoded in calls
        of about a million characters, so that memory follows the longest document and not the batch.
    """

    name: ClassVar[str] = "tokenize"

    tokenizer: FileRef
    append_eos: bool = True
    eos_token: str | None = None
    """None: the first of `EOS_CANDIDATES` that the tokenizer has as an added token."""

    def requires(self) -> pa.Schema:
        """The text."""
        return pa.schema([pa.field(TEXT, TEXT_TYPE, nullable=False)])

    def adds(self) -> pa.Schema:
        """The ids and their count."""
        return pa.schema(
            [pa.field(TOKENS, TOKENS_TYPE, nullable=False), pa.field(NUM_TOKENS, pa.int64(), nullable=False)]
        )

    def open(self) -> AnnotateFunction:
        """Loads the tokenizer."""
        use_one_core()
        tokenizer = load_tokenizer(self.tokenizer)
        eos = self._eos_ids(tokenizer)
        schema = self.adds()

        def annotate(batch: pa.RecordBatch) -> pa.RecordBatch:
            texts = ["" if text is None else text for text in batch.column(TEXT).to_pylist()]
            documents = encode_texts(tokenizer, texts, eos)
            lengths = np.fromiter((ids.size for ids in documents), np.int64, len(documents))  # (D,)
            offsets = np.zeros(len(documents) + 1, np.int64)  # (D + 1,)
            np.cumsum(lengths, out=offsets[1:])
            flat = np.concatenate([np.empty(0, np.uint32), *documents])  # (T,) uint32
            tokens = pa.LargeListArray.from_arrays(pa.array(offsets, pa.int64()), pa.array(flat, pa.uint32()))
            return pa.RecordBatch.from_arrays([tokens, pa.array(lengths, pa.int64())], schema=schema)

        return annotate

    def _eos_ids(self, tokenizer: "Tokenizer") -> Ids:
        """The ids to put after a document: one or none."""
        if not self.append_eos:
            return np.empty(0, np.uint32)
        added = {token.content: number for number, token in tokenizer.get_added_tokens_decoder().items()}
        wanted = EOS_CANDIDATES if self.eos_token is None else (self.eos_token,)
        eos = next((token for token in wanted if token in added), None)
        if eos is None:
            raise PlanError(
                f"{self.name}: tokenizer {self.tokenizer.uri!r}: expected one of the added tokens {list(wanted)} to "
                f"end documents with; found added tokens {sorted(added)[:20]}; set eos_token to one of them, or set "
                "append_eos to false"
            )
        if added[eos] in tokenizer.encode(f"a{eos} {eos} a", add_special_tokens=False).ids:
            raise PlanError(
                f"{self.name}: tokenizer {self.tokenizer.uri!r}: expected the text {eos!r} to become ordinary tokens; "
                "found that it becomes the end-of-document token itself, so any document could forge a boundary; mark "
                "it as special in the file, or choose another eos_token"
            )
        return np.array([added[eos]], np.uint32)


def use_one_core() -> None:
    """One actor is one core: the library's own threads would only compete. A user's setting wins."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")


def load_tokenizer(file: FileRef) -> "Tokenizer":
    """The tokenizer of a pinned file, set to treat all text as text."""
    from tokenizers import Tokenizer  # noqa: PLC0415 -- heavy: only workers that run this need it

    path = file.open_path()
    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises bare Exception for whatever is wrong with a file
        raise PlanError(
            f"tokenizer {file.uri!r}: expected a Hugging Face tokenizer.json; found a file that does not load"
        ) from error
    return as_plain_text(tokenizer)


def as_plain_text(tokenizer: "Tokenizer") -> "Tokenizer":
    """The tokenizer, set to treat all of a text as text and to return all of its tokens."""
    tokenizer.no_padding()
    tokenizer.no_truncation()
    tokenizer.encode_special_tokens = True
    return tokenizer


def encode_texts(tokenizer: "Tokenizer", texts: list[str], eos: Ids | None = None) -> list[Ids]:
    """The ids of each text, with `eos` after those that have any."""
    documents: list[Ids] = []
    begin = 0
    while begin < len(texts):
        end, num_chars = begin, 0
        while end < len(texts) and (end == begin or num_chars + len(texts[end]) <= ENCODE_CHARS):
            num_chars += len(texts[end])
            end += 1
        for encoding in tokenizer.encode_batch_fast(texts[begin:end], add_special_tokens=False):
            ids = np.array(encoding.ids, np.uint32)  # (T,)
            documents.append(ids if eos is None or not ids.size else np.concatenate([ids, eos]))
        begin = end
    return documents
