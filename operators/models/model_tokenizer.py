"""The tokenizer that comes with a model."""

from typing import TYPE_CHECKING, Final

from operators.models.settings import ModelSettings
from operators.tokenize.reference import as_plain_text, load_tokenizer
from pipeline.errors import PlanError
from pipeline.folder_ref import FolderRef
from pipeline.operator import FileRef

if TYPE_CHECKING:
    from tokenizers import Tokenizer

TOKENIZER_FILE: Final = "tokenizer.json"


def load_model_tokenizer(operator: str, model: FolderRef, settings: ModelSettings) -> "Tokenizer":
    """The tokenizer in a pinned model's folder, set to treat all text as text.

    It is in `tokenizer.json`, or else in the GGUF file.

    Args:
        operator: for messages.
        model: pinned.
        settings: name the GGUF file, if the model is in one.

    Raises:
        PlanError: the folder has no tokenizer that loads.
    """
    path = model.open_path() / TOKENIZER_FILE
    if path.is_file():
        return load_tokenizer(FileRef(uri=f"{model.uri}/{TOKENIZER_FILE}").pin(path))
    if settings.gguf_file is None:
        raise PlanError(
            f"{operator}: model {model.uri!r}: expected a file {TOKENIZER_FILE!r} among the model's; found none; save "
            "the tokenizer with transformers, which writes one"
        )
    from transformers import AutoTokenizer  # noqa: PLC0415 -- an extra, and slow to load
    from transformers.utils import logging  # noqa: PLC0415 -- as above

    logging.disable_progress_bar()
    loaded = AutoTokenizer.from_pretrained(
        path.parent, gguf_file=settings.gguf_file, local_files_only=True, trust_remote_code=False
    )
    return as_plain_text(loaded.backend_tokenizer)
