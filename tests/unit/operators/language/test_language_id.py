import pickle
import time
from pathlib import Path

import fasttext
import numpy as np
import pyarrow as pa
import pytest

from operators.language.language_id import LanguageId
from pipeline.errors import OperatorError, PlanError, StorageError
from pipeline.operator import FileRef

SENTENCES = {
    "en": "The people of the village were happy that the river had not come over its banks this year.",
    "de": "Die Leute im Dorf waren froh, dass der Fluss in diesem Jahr nicht über die Ufer getreten war.",
    "fr": "Les gens du village étaient contents que la rivière ne soit pas sortie de son lit cette année.",
    "ru": "Жители деревни были рады, что река в этом году не вышла из берегов.",
    "zh": "村里的人们很高兴今年河水没有漫过堤岸。",
    "ko": "마을 사람들은 올해 강물이 둑을 넘지 않아 기뻐했다.",
    "ar": "كان أهل القرية سعداء لأن النهر لم يفض على ضفافه هذا العام.",
}


def pinned(**fields) -> LanguageId:
    operator = LanguageId(**fields)
    return operator.model_copy(update={"model": operator.model.pin(operator.model.locate(Path()))})


@pytest.fixture(scope="module")
def annotate():
    return pinned().open()


def annotated(function, texts):
    columns = function(pa.record_batch([pa.array(texts, pa.large_string())], names=["text"])).to_pydict()
    return list(zip(columns["language"], columns["language_score"], strict=True))


def test_languages_are_found(annotate):
    found = annotated(annotate, list(SENTENCES.values()))
    assert [language for language, _ in found] == list(SENTENCES)
    assert all(0.65 < score <= 1 for _, score in found)


def test_scores_are_the_models_rounded_to_four_decimals(annotate):
    model = fasttext.load_model(str(LanguageId().model.locate(Path())))
    for text, (language, score) in zip(SENTENCES.values(), annotated(annotate, list(SENTENCES.values())), strict=True):
        (label,), (expected,) = model.predict(text)
        assert label == f"__label__{language}"
        assert score == np.float32(round(min(expected, 1.0), 4))


def test_columns_are_as_declared(annotate):
    batch = pa.record_batch([pa.array(["a", ""], pa.large_string())], names=["text"])
    assert annotate(batch).schema == pinned().adds()
    assert annotate(batch[:0]).schema == pinned().adds()
    assert annotate(batch[:0]).num_rows == 0


@pytest.mark.parametrize("text", ["", " ", "\n\t\r\n", "\u2003\u3000", "\0\0", "\n\0 \u00a0", "</s>"])
def test_blank_texts_have_no_language(annotate, text):
    assert annotated(annotate, [text, SENTENCES["fr"]])[0] == (None, 0.0)


@pytest.mark.parametrize("separator", ["\n", "\0", "\n\n\0", " </s> ", "\r\n"])
def test_what_would_end_the_line_is_a_space(annotate, separator):
    words = SENTENCES["de"].split(" ")
    expected = annotated(annotate, [SENTENCES["de"]])
    assert annotated(annotate, [separator.join(words)]) == expected
    assert annotated(annotate, [separator + SENTENCES["de"]]) == expected


def test_only_the_start_of_a_long_text_is_judged():
    text = SENTENCES["ru"] + " " + SENTENCES["en"] * 20
    assert annotated(pinned(max_chars=None).open(), [text])[0][0] == "en"
    judge_start = pinned(max_chars=len(SENTENCES["ru"])).open()
    assert annotated(judge_start, [text]) == annotated(judge_start, [SENTENCES["ru"]])
    # blank space before the text does not use the bound up
    assert annotated(judge_start, [" \n" * 500 + text]) == annotated(judge_start, [SENTENCES["ru"]])


def test_huge_texts_cost_no_more_than_the_bound(annotate):
    begin = time.process_time()
    texts = ["a" * 5_000_000, "ab " * 2_000_000, "\n" * 5_000_000, SENTENCES["en"] * 50_000]
    found = annotated(annotate, texts)
    # judged whole, they take 3 s
    assert time.process_time() - begin < 0.8
    assert found[2] == (None, 0.0)
    assert found[3][0] == "en"


def test_batches_do_not_matter(annotate):
    texts = [*SENTENCES.values(), "", "x", "\u0301"]
    assert [annotated(annotate, [text])[0] for text in texts] == annotated(annotate, texts)


def test_pickled_operator_gives_the_same(annotate):
    texts = list(SENTENCES.values())
    assert annotated(pickle.loads(pickle.dumps(pinned())).open(), texts) == annotated(annotate, texts)


def test_loading_prints_nothing(capfd):
    pinned().open()
    assert capfd.readouterr() == ("", "")


def test_model_must_be_pinned_and_unchanged(tmp_path):
    with pytest.raises(PlanError, match="pin"):
        LanguageId().open()
    path = tmp_path / "model.bin"
    path.write_bytes(b"no model at all")
    ref = FileRef(uri="model.bin").pin(path)
    with pytest.raises(OperatorError, match=r"language_id: model 'model\.bin': expected a fastText model"):
        LanguageId(model=ref).open()
    path.write_bytes(b"changed")
    with pytest.raises(StorageError, match="changed after the run was planned"):
        LanguageId(model=ref).open()


def test_model_must_be_a_classifier(tmp_path):
    corpus = tmp_path / "corpus.txt"
    corpus.write_text("one two three\n" * 20, encoding="utf-8")
    path = tmp_path / "vectors.bin"
    fasttext.train_unsupervised(str(corpus), dim=2, minCount=1, epoch=1, bucket=10, thread=1, verbose=0).save_model(
        str(path)
    )
    with pytest.raises(OperatorError, match=r"expected a classifier .*; found word vectors"):
        LanguageId(model=FileRef(uri="vectors.bin").pin(path)).open()
