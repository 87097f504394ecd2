"""Batches of transformers: their size, their memory and their prefix change nothing but speed."""

import pytest

from operators.models.generation import Finish, load_generator
from operators.models.grammar import compile_grammar
from operators.models.settings import ModelSettings
from tests.unit.operators.models.decoded_by_hand import LINES, RAGGED, causal_model, encode, prompts, written_by_hand
from tests.unit.operators.models.tiny_models import ON_CPU, byte_tokenizer, pinned, write_tiny_llama

torch = pytest.importorskip("torch", reason="the extra `models` is not installed")

from operators.models.transformers_generation import TransformersGenerator  # noqa: E402 -- needs torch

MASS_DECIMALS = 5


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_tiny_llama(tmp_path_factory.mktemp("llama"), tie_word_embeddings=False)


@pytest.fixture(scope="module")
def model(folder):
    return causal_model(folder)


@pytest.fixture
def generator(folder):
    return load_generator("test", pinned(folder), ON_CPU, byte_tokenizer())


@pytest.mark.parametrize("batch_tokens", [1, 100])
def test_the_budget_of_a_batch_changes_nothing(folder, generator, batch_tokens):
    settings = ModelSettings(device="cpu", batch_tokens=batch_tokens)
    small = load_generator("test", pinned(folder), settings, byte_tokenizer())
    assert small.write(prompts(), max_tokens=9) == generator.write(prompts(), max_tokens=9)
    for grammar in (LINES, RAGGED):
        tokens = compile_grammar(grammar, encode, "-> ", "test")
        for one, other in zip(small.choose(prompts(), tokens), generator.choose(prompts(), tokens), strict=True):
            assert one.options == other.options
            assert round(one.min_mass - other.min_mass, MASS_DECIMALS) == 0


def test_one_end_token_ends_one_row_and_not_the_others(generator, model, monkeypatch):
    """Every token that some row writes ends texts in its turn: rows leave the batch at different steps."""
    free = [written_by_hand(model, prompt, 16)[0] for prompt in prompts()]
    seen = set()
    for token in sorted({token for ids in free for token in ids[2:]})[:6]:
        monkeypatch.setattr(generator, "_end_ids", frozenset({token}))
        found = generator.write(prompts(), max_tokens=16)
        for text, ids in zip(found, free, strict=True):
            kept = ids[: ids.index(token)] if token in ids else ids
            assert (text.num_tokens, text.text) == (len(kept), byte_tokenizer().decode(kept))
            assert text.finish == (Finish.STOP if token in ids else Finish.LENGTH)
            seen.add(text.finish)
    assert seen == {Finish.STOP, Finish.LENGTH}


def test_a_batch_that_is_too_large_is_halved(generator, monkeypatch):
    expected = generator.write(prompts(), max_tokens=8)
    read = TransformersGenerator._read

    def small(self, rows, blocks):
        if len(blocks) > 2:
            raise torch.OutOfMemoryError
        return read(self, rows, blocks)

    monkeypatch.setattr(TransformersGenerator, "_read", small)
    assert generator.write(prompts(), max_tokens=8) == expected


def test_what_all_prompts_begin_with_is_read_once(generator, monkeypatch):
    computed = []
    read = TransformersGenerator._read

    def counting(self, rows, blocks):
        computed.append(sum(map(len, blocks)))
        return read(self, rows, blocks)

    monkeypatch.setattr(TransformersGenerator, "_read", counting)
    begin, texts = [9] * 30, [[*range(10, 14)], [*range(14, 17)], [*range(17, 21)]]
    generator.choose([[*begin, *text] for text in texts], compile_grammar(LINES[:1], encode, "", "test"))
    assert computed == [30, 11]


def test_a_choice_costs_one_step(generator, monkeypatch):
    steps = []
    read = TransformersGenerator._read

    def counting(self, rows, blocks):
        steps.append(len(blocks[0]))
        return read(self, rows, blocks)

    monkeypatch.setattr(TransformersGenerator, "_read", counting)
    generator.choose([[9, 8, 7]], compile_grammar(LINES, encode, "", "test"))
    assert steps == [2, 1, 2, 2]
