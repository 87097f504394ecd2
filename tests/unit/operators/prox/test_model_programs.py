import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from operators.models.prompt import compile_prompt
from operators.prox.model_programs import NUM_CHECKED, ProgramCheck, fitting_prompts, is_readable
from tests.unit.operators.models.tiny_models import byte_tokenizer

TOKENIZER = byte_tokenizer()
PROMPT = compile_prompt("<s>Judge: {text} now</s>", TOKENIZER, "test")


@pytest.mark.parametrize("program", ["untouch_doc()", "remove_lines(start=0, end=3)", "keep_chunk()\n"])
def test_programs_that_can_be_read(program):
    assert is_readable(program)


@pytest.mark.parametrize("program", ["", " \n", "Sure, here it is:", "remove_lines(start=0, end"])
def test_programs_that_cannot(program):
    assert not is_readable(program)


def test_too_few_readable_programs_are_warned_of_once(caplog):
    check = ProgramCheck("prox_chunk_programs", "plain.txt")
    check.look_at(["nonsense"] * (NUM_CHECKED - 1))
    assert not caplog.messages
    check.look_at(["untouch_doc()"] + ["nonsense"] * 9)
    check.look_at(["nonsense"] * 200)
    assert caplog.messages == [
        (
            "prox_chunk_programs: prompt 'plain.txt': expected programs that can be read; found 1 among the first "
            f"{NUM_CHECKED}; the model may want another template"
        )
    ]
    assert caplog.records[0].levelname == "WARNING"


def test_a_half_of_readable_programs_is_enough(caplog):
    ProgramCheck("prox_chunk_programs", "plain.txt").look_at(["untouch_doc()", "nonsense"] * NUM_CHECKED)
    assert not caplog.messages


@given(st.text(alphabet="ab é委", max_size=60), st.integers(0, 90))
@settings(deadline=None)
def test_texts_are_cut_so_that_prompts_fit_and_end_as_they_should(text, max_tokens):
    (ids,) = fitting_prompts([text], PROMPT, TOKENIZER, max_tokens)
    (bare,) = PROMPT.encode([""], TOKENIZER)
    assert len(ids) <= max(max_tokens, len(bare))
    assert ids[-1] == PROMPT.tail[-1]
    assert TOKENIZER.decode(ids).endswith(" now")
    shown = TOKENIZER.decode(ids).removeprefix("Judge: ").removesuffix(" now")
    assert text.startswith(shown.rstrip("\ufffd"))
    (whole,) = PROMPT.encode([text], TOKENIZER)
    assert ids == whole or len(whole) > max_tokens
