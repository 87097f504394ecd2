"""A scorer trained and judged in one recipe: it tells spam from ham, and says by how much."""

import json
from pathlib import Path

import pytest

from operators.scorer.label_documents import LabelDocuments
from operators.scorer.steps import train_fasttext_scorer
from pipeline.plan.logical import ArtifactKind, Recipe, Source, Step, View
from tests.builds import run_build

SPAM = Path(__file__).parents[2] / ".." / "shared" / "data" / "gold" / "spam_apache.jsonl"
SMALL = {"dim": 8, "bucket": 1000}


def write_made_up(folder):
    """Two sources whose words differ, with a rating between 0 and 1."""
    for source, words, rating in (("plain", "stone water grass", 0.3), ("spam", "money offer click", 0.9)):
        rows = (
            {"id": f"{source}{row}", "text": f"{words} {row % 7} {words.split()[row % 3]} " * 5, "rating": rating}
            for row in range(120)
        )
        (folder / f"{source}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def build(folder, sources, labels, columns=None):
    recipe = Recipe(
        name="scorer",
        sources={name: Source(paths=(path,), columns=columns or {}) for name, path in sources.items()},
        steps=(
            Step(name="documents", view=View(sources=tuple(sources)), write=ArtifactKind.DOCUMENTS),
            *train_fasttext_scorer("quality", view=View(base="documents"), labels=labels, **SMALL, epoch=20),
        ),
    )
    built = run_build(recipe, folder, folder / "out")
    (shard,) = built.manifest("quality.card").shards
    card = built.manifest("quality.card").folder / shard.files["card.json"].name
    return json.loads(card.read_text()), built.manifest("quality")


def test_what_differs_in_its_words_is_told_apart(tmp_path):
    write_made_up(tmp_path)
    labels = LabelDocuments(scores={"column": "rating", "type": "float64"}, held_out=0.3)
    sources = {"plain": "plain.jsonl", "spam": "spam.jsonl"}
    card, model = build(tmp_path, sources, labels, columns={"rating": "float64"})
    assert card["area_under_curve"] == 1.0
    training, held_out = card["training"], card["held_out"]
    assert training["num_positive"] + held_out["num_positive"] == 120
    assert training["num_negative"] + held_out["num_negative"] == 120
    assert 20 < held_out["num_positive"] < 52
    assert card["top"][0]["positive_fraction"] == 1.0
    assert "overlap" in card["top"][0]
    (shard,) = model.shards
    assert card["model"]["file"] == "model.bin"
    assert card["model"]["content"].endswith(shard.files["model.bin"].digest)


@pytest.mark.skipif(not SPAM.exists(), reason=f"{SPAM.name} is not there")
def test_spam_is_told_from_ham(tmp_path):
    rows = [json.loads(line) for line in SPAM.read_text().splitlines()]
    for label, name in enumerate(("spam", "ham")):
        lines = (json.dumps({"id": row["id"], "text": row["text"]}) + "\n" for row in rows if row["label"] == label)
        (tmp_path / f"{name}.jsonl").write_text("".join(lines))
    labels = LabelDocuments(names="source", positive=("ham",), negative=("spam",), held_out=0.3)
    card, _ = build(tmp_path, {"spam": "spam.jsonl", "ham": "ham.jsonl"}, labels)
    assert card["area_under_curve"] > 0.9
