from dataclasses import replace

import numpy as np
import pyarrow.parquet as pq
import pytest

from benchmarks.dedup.corpus import (
    COPIES,
    DOCUMENTS,
    TRUTH,
    Settings,
    document_id,
    draw_corpus,
    shingle_set,
    write_corpus,
)
from benchmarks.dedup.unplanted import most_similar
from operators.dedup.jaccard import jaccard
from tests.unit.benchmarks.dedup.small_prose import small_prose

SETTINGS = Settings(400, 200)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return write_corpus(small_prose, tmp_path_factory.mktemp("corpus") / "planted", SETTINGS)


def texts_of(corpus):
    table = pq.read_table(corpus.path / DOCUMENTS)
    return dict(zip(table["id"].to_pylist(), table["text"].to_pylist(), strict=True))


def test_what_is_written_is_what_is_said(corpus):
    texts = texts_of(corpus)
    assert len(texts) == corpus.documents == SETTINGS.documents
    assert sum(len(text.encode()) for text in texts.values()) == corpus.text_bytes
    assert list(texts) == [document_id(place) for place in range(SETTINGS.documents)]
    assert pq.read_table(corpus.path / TRUTH).num_rows == corpus.pairs == SETTINGS.documents * COPIES


def test_no_document_is_in_two_pairs(corpus):
    truth = pq.read_table(corpus.path / TRUTH)
    members = truth["original"].to_pylist() + truth["copy"].to_pylist()
    assert len(set(members)) == len(members)


def test_the_truth_is_the_exact_similarity_of_the_written_texts(corpus):
    texts = texts_of(corpus)
    truth = pq.read_table(corpus.path / TRUTH)
    for row in truth.slice(0, 20).to_pylist():
        sets = [shingle_set(texts[row[name]]) for name in ("original", "copy")]
        assert row["jaccard"] == jaccard(*sets)
        words = [texts[row[name]].split() for name in ("original", "copy")]
        ngrams = [{tuple(found[at : at + 5]) for at in range(len(found) - 4)} for found in words]
        assert row["jaccard"] == len(ngrams[0] & ngrams[1]) / len(ngrams[0] | ngrams[1])


def test_similarities_fill_the_range(corpus):
    jaccards = pq.read_table(corpus.path / TRUTH)["jaccard"].to_numpy()
    counts, _ = np.histogram(jaccards, bins=np.arange(0.3, 1.01, 0.1))
    assert (counts > 0).all()
    assert 0.5 < jaccards.mean() < 0.75


def test_unplanted_pairs_are_not_similar(corpus):
    truth = pq.read_table(corpus.path / TRUTH)
    places = [[int(name[1:]) for name in truth[column].to_pylist()] for column in ("original", "copy")]
    planted = {(min(pair), max(pair)) for pair in zip(*places, strict=True)}
    texts = list(texts_of(corpus).values())
    assert most_similar(texts, planted).jaccard < 0.4
    # And the check finds a pair that the truth does not name.
    hidden = max(planted, key=lambda pair: jaccard(shingle_set(texts[pair[0]]), shingle_set(texts[pair[1]])))
    assert most_similar(texts, planted - {hidden})[:2] == hidden


def test_equal_seeds_give_equal_documents_and_others_do_not():
    prose = small_prose()
    one, again, other = (draw_corpus(prose, replace(SETTINGS, seed=seed)) for seed in (1, 1, 2))
    assert one.pairs == again.pairs
    assert all(np.array_equal(left, right) for left, right in zip(one.documents, again.documents, strict=True))
    assert one.pairs != other.pairs


def test_a_corpus_is_written_once_for_equal_settings(corpus):
    def refuse():
        pytest.fail("read the prose again")

    assert write_corpus(refuse, corpus.path, SETTINGS) == corpus


def test_other_settings_write_it_anew(tmp_path):
    write_corpus(small_prose, tmp_path, Settings(20, 50))
    assert write_corpus(small_prose, tmp_path, Settings(30, 50)).documents == 30
    assert len(texts_of(write_corpus(small_prose, tmp_path, Settings(30, 50)))) == 30


def test_truth_without_similarities(tmp_path):
    corpus = write_corpus(small_prose, tmp_path, Settings(40, 50, with_truth=False))
    truth = pq.read_table(corpus.path / TRUTH)
    assert truth["jaccard"].null_count == truth.num_rows == 10
