"""The ids of documents under a model's tokenizer, as a column that operators on the model derive from."""

import numpy as np
import pyarrow as pa
import pytest

from operators.models.language_model_loss import LanguageModelLoss
from operators.models.model_tokens import ModelTokens
from pipeline.document import TEXT_TYPE
from pipeline.errors import PlanError
from pipeline.folder_ref import FolderRef
from tests.unit.operators.models.tiny_models import ON_CPU, SPECIAL, byte_tokenizer, pinned

TEXTS = ["abc", "", None, "[SEP]", "é" * 9]


@pytest.fixture
def tokens(tmp_path):
    byte_tokenizer().save(str(tmp_path / "tokenizer.json"))
    return ModelTokens(model=pinned(tmp_path))


def batch_of(texts):
    return pa.RecordBatch.from_arrays([pa.array(texts, TEXT_TYPE)], names=["text"])


def test_all_of_a_text_is_text(tokens):
    found = tokens.open()(batch_of(TEXTS))
    assert found.schema == tokens.adds()
    found.validate(full=True)
    documents = tokens.documents_of(found)
    assert [ids.size for ids in documents] == [3, 0, 0, len("[SEP]"), 18]
    assert min(ids.min() for ids in documents if ids.size) >= len(SPECIAL)


def test_a_slice_of_the_column_holds_the_documents_of_its_rows(tokens):
    batch = tokens.open()(batch_of(TEXTS))
    assert tokens.documents_of(batch.slice(3, 0)) == []
    for start in range(len(TEXTS)):
        part = tokens.documents_of(batch.slice(start))
        assert len(part) == len(TEXTS) - start
        for found, expected in zip(part, tokens.documents_of(batch)[start:], strict=True):
            np.testing.assert_array_equal(found, expected)


def test_tokenizers_have_columns_of_their_own():
    names = {
        ModelTokens(model=FolderRef(uri=uri), gguf_file=file).column
        for uri in ("one", "two")
        for file in (None, "a.gguf", "b.gguf")
    }
    assert len(names) == 6


def test_how_a_model_runs_is_no_matter_of_its_tokens():
    model = FolderRef(uri="model")
    (tokens,) = LanguageModelLoss(model=model, settings=ON_CPU, window=4).derives()
    (others,) = LanguageModelLoss(model=model, settings={"dtype": "bfloat16"}, prefix="other").derives()
    assert tokens == others == ModelTokens(model=model)


def test_a_folder_without_a_tokenizer_is_refused(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(PlanError, match=r"model_tokens: model .* expected a file 'tokenizer\.json'"):
        ModelTokens(model=pinned(tmp_path)).open()
