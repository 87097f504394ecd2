"""How an operator runs its neural model."""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from pipeline.operator import Resources, SpeedOnly

Engine = Literal["transformers", "vllm"]
"""What runs a model."""


class ModelSettings(BaseModel):
    """How a model is loaded and fed.

    What changes the numbers beyond the last bits is part of an operator's identity; `device` and `batch_tokens`
    change speed alone and are not.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    device: Annotated[Literal["auto", "cpu", "cuda"], SpeedOnly] = "auto"
    """Where the model runs; `auto` is the GPU where the worker sees one. `cuda` asks the cluster for one GPU an actor,
    unless the step's `resources` say otherwise."""
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    """What weights and activations are kept in; `auto` is what the model's files are in, float32 for GGUF."""
    attention: Literal["sdpa", "eager", "flash_attention_2"] = "sdpa"
    """transformers' name of the attention; `flash_attention_2` needs the package flash-attn."""
    batch_tokens: Annotated[Annotated[int, Field(ge=1)] | None, SpeedOnly] = None
    """Tokens of a batch, padding included; default: 2,048 on a CPU, 1,024 for losses, and 32,768 on a GPU. Halved
    whenever the device runs out of memory."""
    engine: Engine = "transformers"
    gguf_file: str | None = None
    """The file in the model's folder, where the weights are in GGUF."""

    @model_validator(mode="after")
    def _gguf_is_for_transformers(self) -> Self:
        if self.gguf_file is not None and self.engine != "transformers":
            raise ValueError(f"gguf_file: expected engine transformers; found {self.engine}")
        return self

    @property
    def resources(self) -> Resources:
        """What an actor needs by these settings alone."""
        return Resources(num_gpus=1.0 if self.device == "cuda" else 0.0)
