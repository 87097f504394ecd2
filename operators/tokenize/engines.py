"""Which engine encodes: the table of them, and the probes on which one must agree with `tokenizers` to be used."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal
from weakref import WeakValueDictionary

import numpy as np
import pyarrow as pa

from operators.tokenize.engine import Engine, OpenEngine, encode_accepted, is_refusal
from operators.tokenize.fastokens_engine import FASTOKENS, open_fastokens
from operators.tokenize.gigatoken_engine import GIGATOKEN, open_gigatoken
from operators.tokenize.probes import PROBES
from operators.tokenize.reference import encode_texts, load_tokenizer
from operators.tokenize.special_strings import count_special, special_strings
from pipeline.document import TEXT_TYPE
from pipeline.errors import PlanError
from pipeline.operator import FileRef

if TYPE_CHECKING:
    from tokenizers import Tokenizer

EngineName = Literal["auto", "tokenizers", "fastokens", "gigatoken"]
REFERENCE: Final = "tokenizers"

ENGINES: Final[dict[str, OpenEngine]] = {FASTOKENS: open_fastokens, GIGATOKEN: open_gigatoken}
"""In the order in which `auto` tries them."""


@dataclass(frozen=True, slots=True, weakref_slot=True)
class LoadedTokenizer:
    """A tokenizer on one worker: the reference, and the engine that encodes in its place, if any."""

    reference: "Tokenizer"
    engine: Engine | None
    special: tuple[str, ...]
    """Its special tokens as texts write them."""

    @property
    def made_with(self) -> str:
        """The engine and its version."""
        return reference_version() if self.engine is None else f"{self.engine.name} {self.engine.version}"


def reference_version() -> str:
    """The reference's name and version."""
    import tokenizers  # noqa: PLC0415 -- heavy

    return f"{REFERENCE} {tokenizers.__version__}"


_LOADED: Final[WeakValueDictionary[tuple[FileRef, str, bool], LoadedTokenizer]] = WeakValueDictionary()
"""Tokenizers that something uses. One takes up to 200 MB with its engine, which the steps that follow need."""


def loaded_tokenizer(file: FileRef, engine: EngineName, reads_special: bool) -> LoadedTokenizer:
    """The pinned tokenizer with the engine asked for; a process has it once, as long as anything uses it.

    Raises:
        PlanError: the file is no tokenizer, its results are random, or the engine asked for cannot stand for it.
    """
    key = file, engine, reads_special
    loaded = _LOADED.get(key)
    if loaded is None:
        loaded = _LOADED[key] = _load(file, engine, reads_special)
    return loaded


def _load(file: FileRef, engine: EngineName, reads_special: bool) -> LoadedTokenizer:
    """The tokenizer with the engine asked for, or with the first that fits.

    Raises:
        PlanError: the file is no tokenizer, its results are random, or the engine asked for cannot stand for it.
    """
    reference = load_tokenizer(file)
    reference.encode_special_tokens = not reads_special
    if getattr(reference.model, "dropout", None):
        raise PlanError(
            f"tokenizer {file.uri!r}: expected the same ids for the same text; found a model with dropout, which draws "
            "them; set its dropout to null in the file"
        )
    text = file.open_path().read_text(encoding="utf-8")
    special = tuple(token.content for token in reference.get_added_tokens_decoder().values() if token.special)
    reasons = {}
    for name in [] if engine == REFERENCE else list(ENGINES) if engine == "auto" else [engine]:
        found = _fit_engine(name, text, reference, special, reads_special=reads_special)
        if isinstance(found, Engine):
            return LoadedTokenizer(reference, found, special)
        reasons[name] = found
    if engine in reasons:
        raise PlanError(
            f"tokenizer {file.uri!r}: expected that engine {engine!r} gives the ids of {REFERENCE!r}; found that "
            f"{reasons[engine]}; set engine to 'auto'"
        )
    return LoadedTokenizer(reference, None, special)


def _fit_engine(
    name: str, tokenizer_json: str, reference: "Tokenizer", special: Sequence[str], *, reads_special: bool
) -> Engine | str:
    """The engine with the tokenizer loaded, or why it cannot stand for the reference."""
    try:
        engine = ENGINES[name](tokenizer_json, reads_special)
    except ImportError:
        return "it is not installed"
    except BaseException as error:  # what a compiled engine panics with is no Exception
        if not is_refusal(error):
            raise
        return f"it does not load the file ({type(error).__name__})"
    differing = num_differing_probes(engine, reference, special)
    return f"it gives other ids for {differing} of the texts that it is tried on" if differing else engine


def num_differing_probes(engine: Engine, reference: "Tokenizer", special: Sequence[str]) -> int:
    """For how many of the probes an engine gives other ids than the reference.

    One that it refuses does not count, as such documents are the reference's; but it must know plain words.
    """
    written = [token.content for token in reference.get_added_tokens_decoder().values()]
    texts = pa.array([*PROBES, *(f"a{token} {token}{token}\n {token}b" for token in written)], TEXT_TYPE)
    if engine.wants_no_special:
        texts = texts.filter(pa.array(count_special(special_strings(special), texts) == 0))
    documents, refused = encode_accepted(engine, texts)
    ids = np.split(documents.ids, documents.bounds[1:-1])
    expected = encode_texts(reference, texts.to_pylist())
    differing = [not np.array_equal(*pair) for pair in zip(ids, expected, strict=True)]
    accepted = np.ones(len(texts), np.bool_)
    accepted[refused[refused > 0]] = False
    return int((np.array(differing) & accepted).sum())
