"""Ratings come of whole answers alone: by constrained decoding, by free text, or not at all and flagged."""

import numpy as np
import pyarrow as pa
import pytest
from pydantic import ValidationError

from operators.dataman import annotate_ratings
from operators.dataman.annotate_ratings import DataManRatings, answer_grammar
from operators.dataman.criteria import CRITERIA, DOMAINS, LINES
from operators.models.generation import ChosenAnswer, Finish, Generation
from operators.models.grammar import Choice
from pipeline.document import TEXT_TYPE
from pipeline.errors import PlanError
from pipeline.folder_ref import FolderRef
from pipeline.operator import FileRef
from tests.unit.operators.models.tiny_models import byte_tokenizer, pinned, write_tiny_llama

UNREAD = FolderRef(uri="model", path="model", digest="0" * 32)
SETTINGS = {"device": "cpu"}
BEST = "C\n" + "\n".join("5" * 14)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    torch = pytest.importorskip("torch", reason="the extra `models` is not installed")
    torch.set_num_threads(1)  # a model of this size only waits for other threads
    return pinned(write_tiny_llama(tmp_path_factory.mktemp("llama"), max_position_embeddings=256))


@pytest.fixture
def prompt(tmp_path):
    (tmp_path / "prompt.txt").write_text("<s>Rate {text}\n", encoding="utf-8")
    return FileRef(uri="prompt.txt").pin(tmp_path / "prompt.txt")


class Scripted:
    """A generator that answers what a test says, and remembers what it was asked."""

    def __init__(self, answers):
        self.answers = answers
        self.context = 10_000
        self.prompts = []

    def choose(self, prompts, grammar):
        assert len(grammar.choices) == len(self.answers[0].options if self.answers[0] else grammar.choices)
        self.prompts += prompts
        return [self.answers[number % len(self.answers)] for number in range(len(prompts))]

    def write(self, prompts, *, max_tokens, stop=()):
        assert not stop
        self.max_tokens = max_tokens
        self.prompts += prompts
        return [self.answers[number % len(self.answers)] for number in range(len(prompts))]


@pytest.fixture
def scripted(monkeypatch):
    def script(*answers):
        generator = Scripted(answers)
        monkeypatch.setattr(annotate_ratings, "load_generator", lambda *_: generator)
        return generator

    return script


def rows(*texts):
    return pa.record_batch(
        [pa.array(texts, TEXT_TYPE)], schema=pa.schema([pa.field("text", TEXT_TYPE, nullable=False)])
    )


def rated(operator, *texts):
    result = operator.open()(rows(*texts))
    assert result.schema == operator.adds()
    return result.to_pylist()


def test_settings_follow_mode_and_language():
    english, chinese = DataManRatings(model=UNREAD), DataManRatings(model=UNREAD, language="zh", mode="domain_only")
    assert (english.prompt.file_name, english.max_tokens, english.max_chars) == (
        "released_all_rating_en.txt",
        1_894,
        20_000,
    )
    assert (chinese.prompt.file_name, chinese.max_tokens, chinese.max_chars) == (
        "released_domain_only_zh.txt",
        1_896,
        60_000,
    )
    assert DataManRatings(model=UNREAD, mode="score_only", max_tokens=9, prompt="mine.txt").prompt.uri == "mine.txt"
    for wrong in ({"mode": "all"}, {"language": "de"}, {"min_mass": 1.1}, {"max_tokens": 1}):
        with pytest.raises(ValidationError):
            DataManRatings(model=UNREAD, **wrong)


@pytest.mark.parametrize("mode", sorted(LINES))
@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_default_prompt_is_shipped(mode, language, tmp_path):
    text = DataManRatings(model=UNREAD, mode=mode, language=language).prompt.locate(tmp_path).read_text("utf-8")
    assert text.startswith("<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n<|im_start|>user\n")
    assert text.endswith("<|im_end|>\n<|im_start|>assistant\n")
    assert text.count("{text}") == 1
    assert (text.count("_/5") == 14) == (mode == "all_rating")


@pytest.mark.parametrize("mode", sorted(LINES))
def test_prompts_for_other_models_name_the_format(mode, tmp_path):
    text = FileRef(uri=f"package:operators.dataman/prompts/instruct_{mode}_en.txt").locate(tmp_path).read_text("utf-8")
    assert text.count("{text}") == 1
    if mode != "score_only":
        assert all(f"{letter} " in text for letter in DOMAINS)
    if mode == "all_rating":
        places = [text.index(f"- {name.replace('_', ' ')}:") for name in CRITERIA]
        assert places == sorted(places)


def test_an_answer_is_a_choice_a_line():
    assert answer_grammar("score_only") == (Choice(tuple("12345")),)
    whole = answer_grammar("all_rating")
    assert (len(whole), whole[0], set(whole[1::2])) == (29, Choice(tuple(DOMAINS)), {"\n"})


def test_constrained_answers(folder, prompt, scripted):
    """Masses count as they are stored: of 0.49994 and 0.49996 one is below a half."""
    generator = scripted(
        ChosenAnswer((2, *[4] * 14), 0.9),
        ChosenAnswer((0, *[0] * 14), 0.49994),
        None,
        ChosenAnswer((14, *range(5), *range(5), *range(4)), 0.49996),
    )
    operator = DataManRatings(model=folder, settings=SETTINGS, prompt=prompt, max_tokens=10, max_chars=100)
    found = rated(operator, "one", "two", "three", "", "four" * 5, '"..."')
    assert [row["dataman_status"] for row in found] == ["ok", "low_mass", "overlong", "empty", "truncated", "empty"]
    masses = [row["dataman_min_mass"] for row in found]
    assert masses == [float(np.float32(0.9)), float(np.float32(0.4999)), None, None, 0.5, None]
    assert [row["dataman_domain"] for row in found] == ["Law", None, None, None, "Other", None]
    assert [row["dataman_accuracy"] for row in found] == [5, None, None, None, 1, None]
    assert [row["dataman_overall_score"] for row in found] == [5, None, None, None, 4, None]
    asked = [byte_tokenizer().decode(prompt) for prompt in generator.prompts]
    assert asked == ["Rate one\n", "Rate two\n", "Rate three\n", "Rate fourf...rfour\n"]


def test_free_answers(folder, prompt, scripted):
    generator = scripted(
        Generation(BEST, 29, Finish.LENGTH),
        Generation("I think that this is fine.", 9, Finish.STOP),
        Generation(BEST.replace("5", "0", 1), 29, Finish.STOP),
        Generation("", 0, Finish.OVERLONG),
    )
    operator = DataManRatings(model=folder, settings=SETTINGS, prompt=prompt, decoding="free")
    found = rated(operator, "one", "two", "three", "four")
    assert [row["dataman_status"] for row in found] == ["ok", "malformed", "malformed", "overlong"]
    assert [row["dataman_domain"] for row in found] == ["Law", None, None, None]
    assert [row["dataman_creativity"] for row in found] == [5, None, None, None]
    assert {row["dataman_min_mass"] for row in found} == {None}
    assert generator.max_tokens == 29


@pytest.mark.parametrize("mode", sorted(LINES))
@pytest.mark.parametrize("decoding", ["constrained", "free"])
def test_a_real_model_rates_or_is_flagged(folder, prompt, mode, decoding):
    operator = DataManRatings(
        model=folder, settings=SETTINGS, mode=mode, prompt=prompt, decoding=decoding, min_mass=0, max_tokens=40
    )
    texts = ["a", "some text", "", "long " * 50, "<s>[CLS]</s>", "\u4e2d\u6587", "a"]
    found = rated(operator, *texts)
    statuses = [row["dataman_status"] for row in found]
    if decoding == "constrained":
        assert statuses == ["ok", "ok", "empty", "truncated", "ok", "ok", "ok"]
    else:
        assert set(statuses) <= {"ok", "truncated", "malformed", "empty"}
        assert "malformed" in statuses  # its weights are random
    for row in found:
        ratings = [row[f"dataman_{line}"] for line in LINES[mode]]
        assert {rating is None for rating in ratings} == {row["dataman_status"] in {"empty", "malformed"}}
    assert found[0] == found[6]
    assert found == [row for text in texts for row in rated(operator, text)]


def test_a_prompt_without_a_place_is_refused(folder, tmp_path):
    (tmp_path / "wrong.txt").write_text("no place")
    operator = DataManRatings(model=folder, settings=SETTINGS, prompt=FileRef(uri="wrong").pin(tmp_path / "wrong.txt"))
    with pytest.raises(PlanError, match=r"dataman_ratings: prompt 'wrong': expected a template with \{text\} once"):
        operator.open()


def test_a_gpu_is_asked_for_by_the_settings():
    assert DataManRatings(model=UNREAD, settings={"device": "cuda"}).resources.num_gpus == 1
    assert DataManRatings(model=UNREAD).resources.num_gpus == 0
