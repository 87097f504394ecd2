"""What the benchmark of stages says of the times that it took."""

import pytest

from benchmarks.models.stage_overlap import MODEL, PACKAGE, model_folder, over_slower, recipe_of, shard_seconds
from operators.language.language_id import LanguageId
from operators.models.sentence_embedding import SentenceEmbedding
from pipeline.folder_ref import FolderRef
from pipeline.plan.stages import fuse


def test_seconds_are_between_the_first_shard_that_finished_and_the_last():
    assert shard_seconds([5.0, 6.0, 9.0]) == 2
    with pytest.raises(ValueError, match="expected at least 2; found 1"):
        shard_seconds([5.0])


def test_the_whole_is_held_against_its_slower_half():
    assert over_slower({"quick": 0.5, "slow": 2.0, "both": 2.3}) == 1.15
    assert over_slower({"quick": 2.0, "slow": 0.5, "both": 2.0}) == 1


def test_the_model_has_actors_of_its_own():
    model = SentenceEmbedding(model=FolderRef(uri="m", path="m", digest="0"), dimensions=4)
    (step,) = recipe_of(LanguageId(), model).steps
    first, second = fuse(step, step.labelled)
    assert (first.resources.custom, second.resources.custom) == ({}, {MODEL: 1})


def test_a_model_that_is_not_installed_is_not_found(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: {PACKAGE: None}[name])
    assert model_folder() is None
