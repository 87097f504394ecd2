"""What all prompts share, where a text stops, and that every engine decodes what one prompt alone would."""

import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from operators.models.generation import Finish, Generation, cut_at_stop, load_generator, shared_prefix
from operators.models.grammar import compile_grammar
from operators.models.settings import ModelSettings
from pipeline.errors import PlanError
from tests.unit.operators.models.decoded_by_hand import (
    LINES,
    RAGGED,
    causal_model,
    chosen_by_hand,
    encode,
    prompts,
    written_by_hand,
)
from tests.unit.operators.models.fake_vllm import fake_vllm
from tests.unit.operators.models.tiny_models import CONTEXT, byte_tokenizer, pinned, write_tiny_llama

ATOL = 1e-5

PROMPTS = st.lists(st.lists(st.integers(0, 2), min_size=1, max_size=6), max_size=5)


@given(PROMPTS)
def test_the_prefix_is_the_longest_that_leaves_something_of_each(prompts):
    prefix = shared_prefix(prompts)
    size = len(prefix)
    assert all(tuple(prompt[:size]) == prefix and len(prompt) > size for prompt in prompts)
    longer = {tuple(prompt[: size + 1]) for prompt in prompts}
    assert not prompts or len(longer) > 1 or min(map(len, prompts)) == size + 1


@given(PROMPTS)
def test_the_prefix_does_not_depend_on_the_order(prompts):
    assert shared_prefix(prompts) == shared_prefix(prompts[::-1])


@pytest.mark.parametrize(
    ("text", "stop", "expected"),
    [
        ("a\nb", ("\n",), "a"),
        ("ab", ("\n",), None),
        ("ab", (), None),
        ("one two three", ("three", "two"), "one "),
        ("", ("x",), None),
        ("x", ("x",), ""),
    ],
)
def test_a_text_ends_before_its_first_stop(text, stop, expected):
    assert cut_at_stop(text, stop) == expected


# What holds for every engine


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    pytest.importorskip("torch", reason="the extra `models` is not installed")
    return write_tiny_llama(tmp_path_factory.mktemp("llama"), tie_word_embeddings=False)


@pytest.fixture(scope="module")
def model(folder):
    return causal_model(folder)


@pytest.fixture(params=["transformers", "fake vllm", "vllm"])
def generator(request, folder, monkeypatch):
    settings = ModelSettings(device="cpu")
    if request.param == "fake vllm":
        monkeypatch.setitem(sys.modules, "vllm", fake_vllm())
        monkeypatch.delitem(sys.modules, "operators.models.vllm_engine", raising=False)
        settings = ModelSettings(device="cpu", engine="vllm")
    elif request.param == "vllm":
        pytest.importorskip("vllm", reason="the extra `vllm` is not installed")
        settings = ModelSettings(engine="vllm", dtype="float32")
    yield load_generator("test", pinned(folder), settings, byte_tokenizer())
    if request.param == "fake vllm":
        sys.modules.pop("operators.models.vllm_engine", None)


@pytest.mark.parametrize("grammar", [LINES, RAGGED, LINES[:1]], ids=["lines", "ragged", "one choice"])
def test_choices_are_those_of_one_prompt_at_a_time(generator, model, grammar):
    tokens = compile_grammar(grammar, encode, "-> ", "test")
    answers = generator.choose(prompts(), tokens)
    expected = [chosen_by_hand(model, prompt, tokens) for prompt in prompts()]
    assert [answer.options for answer in answers] == [options for options, _ in expected]
    np.testing.assert_allclose([answer.min_mass for answer in answers], [mass for _, mass in expected], atol=ATOL)
    assert len({answer.options for answer in answers}) > 1
    assert all(0 < answer.min_mass < 1 for answer in answers)


def test_texts_are_those_of_one_prompt_at_a_time(generator, model):
    found = generator.write(prompts(), max_tokens=12)
    for text, prompt in zip(found, prompts(), strict=True):
        ids, finish = written_by_hand(model, prompt, 12)
        assert text == Generation(byte_tokenizer().decode(ids), len(ids), finish)


def test_a_text_ends_before_a_stop_string(generator):
    [free] = generator.write(prompts()[:1], max_tokens=20)
    places = [place for place in range(2, len(free.text) - 2) if free.text.find(free.text[place : place + 2]) == place]
    assert places
    for place in places[:4]:
        [text] = generator.write(prompts()[:1], max_tokens=20, stop=("never", free.text[place : place + 2]))
        assert (text.text, text.finish) == (free.text[:place], Finish.STOP)
        assert text.num_tokens < 20


def test_the_context_bounds_prompts_and_texts(generator):
    fitting, full = list(range(6, 6 + CONTEXT - 4)), [7] * CONTEXT
    texts = generator.write([fitting, full, [7] * (CONTEXT + 9)], max_tokens=50)
    assert [text.finish for text in texts] == [Finish.LENGTH, Finish.OVERLONG, Finish.OVERLONG]
    assert [text.num_tokens for text in texts] == [4, 0, 0]
    tokens = compile_grammar(LINES, encode, "", "test")  # five tokens
    answers = generator.choose([[7] * (CONTEXT - 5), [7] * (CONTEXT - 4)], tokens)
    assert answers[0] is not None
    assert answers[1] is None


def test_nothing_in_nothing_out(generator):
    assert generator.choose([], compile_grammar(LINES, encode, "", "test")) == []
    assert generator.write([], max_tokens=3) == []


def test_an_engine_that_is_not_installed_is_named(folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "vllm", None)
    monkeypatch.delitem(sys.modules, "operators.models.vllm_engine", raising=False)
    with pytest.raises(PlanError, match=r"test: expected the packages of the extra 'vllm'"):
        load_generator("test", pinned(folder), ModelSettings(engine="vllm"), byte_tokenizer())
