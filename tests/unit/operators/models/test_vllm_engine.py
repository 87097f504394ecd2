"""What vLLM is asked for, over a fake of its interface. test_generation.py says what must come of it."""

import sys

import pytest

from operators.models.generation import load_generator
from operators.models.grammar import compile_grammar
from operators.models.settings import ModelSettings
from pipeline.errors import PlanError
from tests.unit.operators.models.decoded_by_hand import LINES, encode, prompts
from tests.unit.operators.models.fake_vllm import LLM, fake_vllm
from tests.unit.operators.models.tiny_models import byte_tokenizer, pinned, write_tiny_llama


@pytest.fixture
def folder(tmp_path):
    pytest.importorskip("torch", reason="the extra `models` is not installed")
    return write_tiny_llama(tmp_path)


@pytest.fixture(autouse=True)
def vllm(monkeypatch):
    module = fake_vllm()
    monkeypatch.setitem(sys.modules, "vllm", module)
    monkeypatch.delitem(sys.modules, "operators.models.vllm_engine", raising=False)
    yield module
    sys.modules.pop("operators.models.vllm_engine", None)


def test_settings_reach_the_engine_and_code_of_models_does_not_run(folder):
    settings = ModelSettings(engine="vllm", dtype="bfloat16", batch_tokens=4096)
    load_generator("test", pinned(folder), settings, byte_tokenizer())
    assert LLM.last is not None
    assert LLM.last.settings == {
        "dtype": "bfloat16",
        "enable_prefix_caching": True,
        "trust_remote_code": False,
        "seed": 0,
        "max_num_batched_tokens": 4096,
    }


def test_all_rows_go_to_the_engine_at_once_for_each_choice(folder):
    generator = load_generator("test", pinned(folder), ModelSettings(engine="vllm"), byte_tokenizer())
    generator.choose(prompts(), compile_grammar(LINES, encode, "-> ", "test"))
    assert LLM.last is not None
    assert LLM.last.calls == [len(prompts())] * 3


def test_a_version_without_named_log_probabilities_is_refused(folder, vllm, monkeypatch):
    def older(*, temperature=1.0, max_tokens=16, stop=None, detokenize=True):
        del temperature, max_tokens, stop, detokenize

    monkeypatch.setattr(vllm, "SamplingParams", older)
    with pytest.raises(PlanError, match=r"test: expected a vllm whose SamplingParams take logprob_token_ids"):
        load_generator("test", pinned(folder), ModelSettings(engine="vllm"), byte_tokenizer())
