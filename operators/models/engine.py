"""What operators ask of an engine, whichever runs the model. Loads no model library before an operator opens."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from operators.models.settings import ModelSettings
from operators.models.token_spans import TokenSpans
from pipeline.errors import PlanError
from pipeline.folder_ref import FolderRef
from pipeline.operator import FloatArray


class LossScorer(Protocol):
    """A causal language model that says how unlikely it finds tokens."""

    @property
    def context(self) -> int:
        """How many ids it can be given at once."""
        ...

    @property
    def start_id(self) -> int:
        """The id of its token for the beginning of a text; of that for the end, where it has no other."""
        ...

    def nats(self, spans: TokenSpans) -> FloatArray:
        """(S,) summed losses of the tokens of each span that count: minus the log of their probabilities."""
        ...


@contextmanager
def needs_extra(operator: str, extra: str) -> Iterator[None]:
    """Turns a failing import inside into one line that says what to install."""
    try:
        yield
    except ImportError as error:
        raise PlanError(
            f"{operator}: expected the packages of the extra {extra!r}; {error}; "
            f'run pip install "corpusmill[{extra}]" where workers run'
        ) from error


def load_loss_scorer(operator: str, model: FolderRef, settings: ModelSettings) -> LossScorer:
    """The causal model of a folder.

    Args:
        operator: for messages.
        model: pinned.

    Raises:
        PlanError: the extra `models` is not installed, or the folder holds no causal model that transformers knows.
        StorageError: the folder is not what was pinned.
    """
    with needs_extra(operator, "models"):
        from operators.models.transformers_engine import CausalScorer  # noqa: PLC0415 -- loads torch
    return CausalScorer(operator, model, settings)
