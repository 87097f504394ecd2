"""Compositions of PreSelect's steps."""

from typing import Final, Literal

from operators.fasttext.fasttext_score import NUM_CHARS, FastTextScore
from operators.fasttext.train_fasttext import MODEL_FILE, FastTextTraining, TrainFastText
from operators.preselect.predictive_strength import PredictiveStrength
from operators.preselect.seed_documents import POOL, SEED_PART, SEEDS, SeedDocuments
from operators.preselect.strength_classes import NEGATIVE, POSITIVE, STRENGTH_CLASS, StrengthClasses
from operators.select.steps import best_scored
from operators.select.value_filter import ValueFilter
from operators.tokenize.tokenizer import NUM_TOKENS
from pipeline.operator import FileRef
from pipeline.plan.logical import ArtifactKind, Step, View

PUBLISHED_SHARE: Final = 0.1
"""Of the pool's characters: PreSelect, arXiv:2503.00808, section 3.1."""

SCORE: Final = "preselect_score"

_WEIGHTS: Final = {"characters": NUM_CHARS, "tokens": NUM_TOKENS, "documents": None}


def seeds_apart(
    name: str,
    *,
    view: View,
    column: str = "url",
    num_domains: int = 3000,
    documents_per_domain: int = 300,
    seed: int = 1,
) -> tuple[Step, ...]:
    """Steps that part the documents of `view` into seeds, which models read, and the pool that is selected from.

    They leave `<name>.parts` (columns: seed_part), `<name>` (removals: all but the seeds) and `<name>.pool` (removals:
    the seeds). No text is read.
    """
    parts = f"{name}.parts"
    parted = view.binding(parts)
    choice = SeedDocuments(column=column, num_domains=num_domains, documents_per_domain=documents_per_domain, seed=seed)
    seeds, pool = (ValueFilter(column=SEED_PART, values=(part,)) for part in (SEEDS, POOL))
    return (
        Step(name=parts, view=view, nodes=(choice,), write=ArtifactKind.COLUMNS),
        Step(name=name, view=parted, nodes=(seeds,), write=ArtifactKind.REMOVALS),
        Step(name=f"{name}.pool", view=parted, nodes=(pool,), write=ArtifactKind.REMOVALS),
    )


def preselect(  # noqa: PLR0913 -- every choice that the paper leaves open is a field
    name: str,
    *,
    view: View,
    seeds: View,
    losses: tuple[str, ...],
    abilities: tuple[float, ...] | None = None,
    min_positive: float = 1.0,
    num_positives: int | None = None,
    num_negatives: int | None = None,
    seed: int = 1,
    classifier: FastTextTraining | None = None,
    newline: Literal["", " "] = " ",
    share: float = PUBLISHED_SHARE,
    unit: Literal["characters", "tokens", "documents"] = "characters",
    keep_ties: bool = True,
) -> tuple[Step, ...]:
    """Steps that keep the best `share` of `view` by a classifier of documents on which losses order models well.

    `seeds` is the view of the documents that the classifier learns from, with the columns `losses`, the least able
    model's first. The steps leave `<name>.strength` (columns over the seeds: predictive_strength), `<name>.classes`
    (columns over the seeds: strength_class), `<name>.classifier` (a model), `<name>.scores` (columns: preselect_score
    and num_chars), `<name>.threshold` (a model) and `<name>` (the removals). With `unit: tokens` the view must have
    num_tokens. The threshold is that of the view: a step for each pool gives each its own.
    """
    trained, strength, classes = f"{name}.classifier", f"{name}.strength", f"{name}.classes"
    measured, classified = seeds.binding(strength), seeds.binding(classes)
    settings = classifier or FastTextTraining()
    trainer = TrainFastText(
        positive=(POSITIVE,), negative=(NEGATIVE,), label_column=STRENGTH_CLASS, **settings.model_dump()
    )
    chooser = StrengthClasses(
        min_positive=min_positive, num_positives=num_positives, num_negatives=num_negatives, seed=seed
    )
    scorer = FastTextScore(model=FileRef(uri=f"step:{trained}/{MODEL_FILE}"), newline=newline, column=SCORE)
    return (
        Step(
            name=strength,
            view=seeds,
            nodes=(PredictiveStrength(losses=losses, abilities=abilities),),
            write=ArtifactKind.COLUMNS,
        ),
        Step(name=classes, view=measured, nodes=(chooser,), write=ArtifactKind.COLUMNS),
        Step(name=trained, view=classified, nodes=(trainer,), write=ArtifactKind.MODEL),
        *best_scored(name, view=view, scorer=scorer, share=share, weight=_WEIGHTS[unit], keep_ties=keep_ties),
    )
