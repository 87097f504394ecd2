"""Steps that train a scorer and judge it."""

from operators.fasttext.fasttext_score import FastTextScore
from operators.fasttext.train_fasttext import MODEL_FILE, TrainFastText
from operators.scorer.judge_scorer import JudgeScorer
from operators.scorer.label_documents import NEGATIVE, POSITIVE, TRAINING_LABEL, LabelDocuments
from operators.select.named_columns import ScoreColumn
from pipeline.operator import FileRef
from pipeline.plan.logical import ArtifactKind, Step, View


def train_fasttext_scorer(
    name: str,
    *,
    view: View,
    labels: LabelDocuments,
    dim: int = 100,
    bucket: int = 2_000_000,
    word_ngrams: int = 2,
    epoch: int = 5,
    lr: float = 0.1,
) -> tuple[Step, ...]:
    """Steps that train a fastText classifier on the labelled documents of `view`, and judge it on those held out.

    They leave `<name>.labels` (columns: label, training_label), `<name>` (a model: `model.bin`), `<name>.scores`
    (columns: quality_score and num_chars of all documents) and `<name>.card` (a model: `card.json` and `card.md`).
    `labels` has the fields of `label_documents`, the others are those of `train_fasttext`. Where labels come from
    scores, the card says too what the best documents by both have in common.
    """
    labelled = view.binding(f"{name}.labels")
    trainer = TrainFastText(
        positive=(POSITIVE,),
        negative=(NEGATIVE,),
        label_column=TRAINING_LABEL,
        dim=dim,
        bucket=bucket,
        word_ngrams=word_ngrams,
        epoch=epoch,
        lr=lr,
    )
    model = FileRef(uri=f"step:{name}/{MODEL_FILE}")
    scorer = FastTextScore(model=model)
    judge = JudgeScorer(model=model, score=ScoreColumn(column=scorer.column), reference=labels.scores)
    return (
        Step(name=f"{name}.labels", view=view, nodes=(labels,), write=ArtifactKind.COLUMNS),
        Step(name=name, view=labelled, nodes=(trainer,), write=ArtifactKind.MODEL),
        Step(name=f"{name}.scores", view=labelled, nodes=(scorer,), write=ArtifactKind.COLUMNS),
        Step(name=f"{name}.card", view=labelled.binding(f"{name}.scores"), nodes=(judge,), write=ArtifactKind.MODEL),
    )
