import pyarrow as pa
import pytest
from pydantic import ValidationError

from operators.quality.c4_bad_words import C4BadWords, WordList
from pipeline.operator import FileRef

DOCUMENTS = [
    ("en", "A darn thing."),
    ("en", "DARN!"),
    ("en", "darning, darn_ and darns"),
    ("en", "what the\nheck"),
    ("en", "what the heck"),
    ("zh", "这是坏词的句子"),
    ("zh", "男性和女性"),
    ("de", "so ein darn thing"),
    (None, "darn"),
]
BAD = [1, 1, 0, 0, 1, 1, 0, None, None]


@pytest.fixture
def lists(tmp_path):
    (tmp_path / "en").write_text("darn\n the heck \n\n", encoding="utf-8")
    (tmp_path / "zh").write_text("坏词\n性", encoding="utf-8")
    return tuple(WordList(language=name, file=FileRef(uri=name).pin(tmp_path / name)) for name in ("en", "zh"))


def batch_of(documents):
    return pa.record_batch(
        {
            "doc_id": pa.array([bytes([k % 256, k // 256]) * 8 for k in range(len(documents))], pa.binary(16)),
            "text": pa.array([text for _, text in documents], pa.large_string()),
            "language": pa.array([language for language, _ in documents], pa.large_string()),
        }
    )


def values(operator, documents):
    found = operator.open_values()(batch_of(documents))[:, 0].tolist()
    return [None if value != value else value for value in found]


def test_documents_are_held_to_the_list_of_their_language(lists):
    assert values(C4BadWords(lists=lists), DOCUMENTS) == BAD
    assert C4BadWords(lists=lists).open()(batch_of(DOCUMENTS)).keep.tolist() == [bad != 1 for bad in BAD]


def test_one_language_for_all(lists):
    operator = C4BadWords(lists=lists, language="en")
    assert "language" not in operator.requires().names
    assert values(operator, DOCUMENTS) == [1, 1, 0, 0, 1, 0, 0, 1, 1]
    assert values(C4BadWords(lists=lists, language="zh", languages_without_spaces=()), DOCUMENTS)[5] == 0


def test_allowed_words_can_be_none(lists):
    assert values(C4BadWords(lists=lists, allowed_words=()), DOCUMENTS)[6] == 2


def test_only_some_languages_are_judged(lists):
    operator = C4BadWords(lists=lists, languages=("zh",))
    assert operator.requires().names.count("language") == 1
    assert values(operator, DOCUMENTS) == [None] * 5 + [1, 0, None, None]


def test_a_share_stays_whatever_its_place(lists):
    documents = [("en", "darn")] * 2000
    operator = C4BadWords(lists=lists, keep_fraction=0.25, seed=3)
    keep = operator.open()(batch_of(documents)).keep
    assert 400 < keep.sum() < 600
    assert (operator.open()(batch_of(documents).slice(700)).keep == keep[700:]).all()
    other = C4BadWords(lists=lists, keep_fraction=0.25, seed=4)
    assert (other.open()(batch_of(documents)).keep != keep).any()
    assert C4BadWords(lists=lists, keep_fraction=1).open()(batch_of(documents)).keep.all()


def test_a_language_needs_a_list(lists):
    with pytest.raises(ValidationError, match="language: expected one that has a list"):
        C4BadWords(lists=lists, language="fr")
    with pytest.raises(ValidationError, match="lists"):
        C4BadWords(lists=())
    with pytest.raises(ValidationError, match="lists: expected one a language"):
        C4BadWords(lists=(*lists, lists[0]))


def test_the_value_counts_the_places_where_phrases_end(lists):
    documents = [("en", "darn the heck, darn"), ("en", "darn it"), ("zh", "坏词坏词")]
    assert values(C4BadWords(lists=lists), documents) == [3, 1, 2]
    assert C4BadWords(lists=lists, max_bad_words=1).open()(batch_of(documents)).keep.tolist() == [False, True, False]
