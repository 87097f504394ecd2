"""How PreSelect's steps are composed: what each reads, writes and is told."""

import pytest
from pydantic import ValidationError

from operators.fasttext.train_fasttext import FastTextTraining
from operators.preselect.steps import preselect, seeds_apart
from pipeline.plan.logical import Step, View, default_write

POOL = View(base="documents", bound=("seeds.pool",))
SEEDS = View(base="documents", bound=("seeds", "losses"))


def steps(**fields: object) -> dict[str, Step]:
    made = preselect("best", view=POOL, seeds=SEEDS, losses=("a", "b"), **fields)
    assert [step.write for step in made] == [default_write(step.nodes) for step in made]
    return {step.name.removeprefix("best").removeprefix("."): step for step in made}


def test_seeds_and_pool_are_apart() -> None:
    parts, seeds, pool = seeds_apart("seeds", view=View(base="documents"), column="source", num_domains=2, seed=3)
    assert (parts.name, seeds.name, pool.name) == ("seeds.parts", "seeds", "seeds.pool")
    assert seeds.view == pool.view == View(base="documents", bound=("seeds.parts",))
    assert (seeds.operators[0].values, pool.operators[0].values) == (("seeds",), ("pool",))
    assert (parts.operators[0].column, parts.operators[0].num_domains, parts.operators[0].seed) == ("source", 2, 3)


def test_models_are_made_of_the_seeds_and_scores_of_the_pool() -> None:
    made = steps()
    assert list(made) == ["strength", "classes", "classifier", "scores", "threshold", ""]
    for name, view in (
        ("strength", SEEDS),
        ("classes", SEEDS.binding("best.strength")),
        ("classifier", SEEDS.binding("best.classes")),
        ("scores", POOL),
        ("threshold", POOL.binding("best.scores")),
        ("", POOL.binding("best.scores")),
    ):
        assert made[name].view == view, name
    assert made["scores"].parents == ("documents", "seeds.pool", "best.classifier")


def test_published_settings_are_the_defaults() -> None:
    made = steps()
    trainer = made["classifier"].operators[0]
    settings = {name: getattr(trainer, name) for name in FastTextTraining.model_fields}
    assert settings == {
        "lr": 0.1, "epoch": 5, "word_ngrams": 2, "dim": 100, "bucket": 2_000_000, "min_count": 1, "zero_eos": True,
        "seed": 1,
    }  # fmt: skip
    assert (trainer.positive, trainer.negative, trainer.label_column) == (
        ("positive",),
        ("negative",),
        "strength_class",
    )
    assert made["classes"].operators[0].min_positive == 1.0
    assert (made["threshold"].operators[0].share, made["threshold"].operators[0].weight) == (0.1, "num_chars")
    assert made[""].operators[0].keep_ties


def test_every_choice_reaches_its_operator() -> None:
    made = steps(
        abilities=(1.0, 2.0),
        min_positive=0.9,
        num_positives=5,
        num_negatives=6,
        seed=7,
        classifier=FastTextTraining(epoch=3, zero_eos=False),
        newline="",
        share=0.3,
        unit="documents",
        keep_ties=False,
    )
    assert made["strength"].operators[0].abilities == (1.0, 2.0)
    classes = made["classes"].operators[0]
    assert (classes.min_positive, classes.num_positives, classes.num_negatives, classes.seed) == (0.9, 5, 6, 7)
    assert (made["classifier"].operators[0].epoch, made["classifier"].operators[0].zero_eos) == (3, False)
    assert made["scores"].operators[0].newline == ""
    assert (made["threshold"].operators[0].share, made["threshold"].operators[0].weight) == (0.3, None)
    assert not made[""].operators[0].keep_ties
    assert steps(unit="tokens")["threshold"].operators[0].weight == "num_tokens"


def test_unknown_settings_of_the_classifier_are_refused() -> None:
    with pytest.raises(ValidationError, match="epochs"):
        FastTextTraining(epochs=3)
