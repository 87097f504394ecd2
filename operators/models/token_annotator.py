"""What annotators have in common that hand documents to a model as they are, and not in a prompt."""

from operators.models.model_annotator import ModelAnnotator
from operators.models.model_tokens import ModelTokens
from pipeline.operator import Annotator


class TokenAnnotator(ModelAnnotator):
    """Reads the token ids of documents with a model. They are computed on CPUs, ahead of a GPU that has the model."""

    @property
    def tokens(self) -> ModelTokens:
        """The ids that the model is given."""
        return ModelTokens(model=self.model, gguf_file=self.settings.gguf_file)

    def derives(self) -> tuple[Annotator, ...]:
        """The ids."""
        return (self.tokens,)
