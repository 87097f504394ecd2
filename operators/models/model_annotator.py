"""What annotators have in common that run a neural model."""

from typing import ClassVar, Self

import pyarrow as pa
from pydantic import model_validator

from operators.models.settings import Engine, ModelSettings
from pipeline.document import TEXT, TEXT_TYPE
from pipeline.folder_ref import FolderRef
from pipeline.operator import Annotator, Determinism, Resources


class ModelAnnotator(Annotator):
    """Reads the text of documents with a model. Subclasses name the `window_rows` that they see together."""

    determinism: ClassVar[Determinism] = Determinism.HARDWARE
    engines: ClassVar[tuple[Engine, ...]] = ("transformers",)
    """Those that give what the operator needs."""

    model: FolderRef
    """The folder of such a model with its `tokenizer.json`, or `hub:OWNER/NAME@COMMIT`."""
    settings: ModelSettings = ModelSettings()

    @model_validator(mode="after")
    def _engine_fits(self) -> Self:
        if self.settings.engine not in self.engines:
            raise ValueError(f"settings.engine: expected {' or '.join(self.engines)}; found {self.settings.engine}")
        return self

    @property
    def resources(self) -> Resources:
        """A GPU where the settings name one."""
        return self.settings.resources

    def requires(self) -> pa.Schema:
        """The text."""
        return pa.schema([pa.field(TEXT, TEXT_TYPE, nullable=False)])
