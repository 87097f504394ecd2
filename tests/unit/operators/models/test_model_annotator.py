import pytest
from pydantic import ValidationError

from operators.catalogue import OPERATORS
from operators.models.model_annotator import ModelAnnotator
from pipeline.operator import Determinism

KINDS = [kind for kind in OPERATORS.values() if issubclass(kind, ModelAnnotator)]
REQUIRED = {"sentence_embedding": {"dimensions": 8}}


def of(kind, **settings):
    return kind(model="folder", settings=settings, **REQUIRED.get(kind.name, {}))


def test_the_operators_that_run_models_are_the_ones_that_depend_on_the_hardware():
    assert {kind.name for kind in KINDS} == {
        kind.name for kind in OPERATORS.values() if kind.determinism is Determinism.HARDWARE
    }


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_an_operator_sees_windows_and_asks_for_what_its_settings_need(kind):
    assert kind.window_rows is not None
    assert of(kind).resources.num_gpus == 0
    assert of(kind, device="cuda").resources.num_gpus == 1


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_an_engine_that_does_not_give_what_is_needed_is_refused(kind):
    if "vllm" in kind.engines:
        assert of(kind, engine="vllm").settings.engine == "vllm"
        return
    with pytest.raises(ValidationError, match=r"settings\.engine: expected transformers; found vllm"):
        of(kind, engine="vllm")
