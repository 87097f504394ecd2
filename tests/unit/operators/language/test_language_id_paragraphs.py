from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from operators.language.language_id_paragraphs import LanguageIdParagraphs, find_paragraphs
from pipeline.kernel import text_buffers

ENGLISH = "The people of the village were happy that the river had not come over its banks this year."
GERMAN = "Die Leute im Dorf waren froh, dass der Fluss in diesem Jahr nicht über die Ufer getreten war."
RUSSIAN = "Жители деревни были рады, что река в этом году не вышла из берегов."


@pytest.fixture(scope="module")
def annotate():
    return opened()


def opened(**fields):
    operator = LanguageIdParagraphs(**fields)
    return operator.model_copy(update={"model": operator.model.pin(operator.model.locate(Path()))}).open()


def annotated(function, texts):
    columns = function(pa.record_batch([pa.array(texts, pa.large_string())], names=["text"])).to_pydict()
    shares = [
        None if row is None else {entry["language"]: entry["share"] for entry in row}
        for row in columns["paragraph_languages"]
    ]
    return list(zip(columns["paragraph_language"], shares, strict=True))


def share(part, *others):
    return pytest.approx(len(part.encode()) / sum(len(text.encode()) for text in (part, *others)), abs=1e-4)


def test_bytes_are_shared_out_by_language(annotate):
    ((first, shares),) = annotated(annotate, [f"{ENGLISH}\n\n{GERMAN}\n \n{RUSSIAN}\n{RUSSIAN}\n"])
    russian = f"{RUSSIAN}\n{RUSSIAN}"
    assert first == "ru"
    assert list(shares) == ["ru", "de", "en"]
    assert shares["ru"] == share(russian, ENGLISH, GERMAN)
    assert shares["en"] == share(ENGLISH, russian, GERMAN)


def test_a_short_paragraph_takes_the_label_of_the_document(annotate):
    text = f"{GERMAN}\n\n{GERMAN}\n\nHello, world!"
    assert annotated(annotate, [text]) == [("de", {"de": 1.0})]
    assert annotated(opened(min_chars=5), [text])[0][1].keys() == {"de", "en"}


@pytest.mark.parametrize("length", [49, 50])
def test_fifty_characters_are_judged(annotate, length):
    paragraph = RUSSIAN[:length]
    ((_, shares),) = annotated(annotate, [f"{ENGLISH} {ENGLISH}\n\n{paragraph}"])
    assert ("ru" in shares) == (length == 50)


def test_texts_without_language(annotate):
    texts = ["", "\n\n \n", "\0", None, ENGLISH]
    assert annotated(annotate, texts) == [(None, {})] * 4 + [("en", {"en": 1.0})]


def test_columns_are_as_declared_and_batches_do_not_matter(annotate):
    texts = [ENGLISH, f"{GERMAN}\n\n{ENGLISH}", "", "short", f"{RUSSIAN}\r\n\r\n{GERMAN} </s> {GERMAN}"]
    batch = pa.record_batch([pa.array(texts, pa.large_string())], names=["text"])
    whole = annotate(batch)
    whole.validate(full=True)
    assert whole.schema == LanguageIdParagraphs().adds()
    assert annotate(batch[:0]).schema == whole.schema
    assert [annotate(batch[row : row + 1]).to_pylist()[0] for row in range(len(texts))] == whole.to_pylist()


def test_paragraphs_have_no_blank_lines_around_them():
    data, offsets = text_buffers(pa.array(["\n\n a\nb \n\n\t\nc\r\n\r\n", "", "中文"], pa.large_string()))
    documents, begins, ends, num_chars = find_paragraphs(data, offsets)
    found = [data[begin:end].tobytes().decode().strip() for begin, end in zip(begins, ends, strict=True)]
    assert found == ["a\nb", "c", "中文"]
    np.testing.assert_array_equal(documents, [0, 0, 2])
    assert num_chars[-1] == 2
