"""Which settings are identity, and what they ask of the cluster."""

import pyarrow as pa
import pytest
from pydantic import ValidationError

from operators.models.settings import ModelSettings
from pipeline.fingerprint import operator_identity
from pipeline.operator import Resources, Task


class WithModel(Task):
    """An operator with settings of a model."""

    name = "with_model"
    produces = "model"
    settings: ModelSettings = ModelSettings()

    def requires(self):
        return pa.schema([])

    def output_schema(self, given):
        return given

    def open(self):
        return lambda _inputs: iter(())


def identity(**settings):
    return operator_identity(WithModel(settings=ModelSettings(**settings)), {})


@pytest.mark.parametrize("settings", [{"device": "cpu"}, {"batch_tokens": 7}])
def test_what_changes_speed_alone_is_no_identity(settings):
    assert identity(**settings) == identity()


@pytest.mark.parametrize(
    "settings", [{"dtype": "bfloat16"}, {"attention": "eager"}, {"engine": "vllm"}, {"gguf_file": "a.gguf"}]
)
def test_what_changes_numbers_is_identity(settings):
    assert identity(**settings) != identity()


def test_a_gpu_is_asked_for_by_name_only():
    assert ModelSettings(device="cuda").resources == Resources(num_gpus=1)
    assert ModelSettings().resources == ModelSettings(device="cpu").resources == Resources()


def test_gguf_is_read_by_transformers():
    with pytest.raises(ValidationError, match="gguf_file: expected engine transformers; found vllm"):
        ModelSettings(engine="vllm", gguf_file="a.gguf")
