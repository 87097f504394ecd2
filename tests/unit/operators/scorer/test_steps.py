"""How a scorer is trained and judged: nobody learns from what is held out."""

from operators.scorer.label_documents import LabelDocuments
from operators.scorer.steps import train_fasttext_scorer
from pipeline.plan.logical import View, default_write


def test_training_reads_training_labels_and_the_judge_has_all():
    labels = LabelDocuments(scores={"column": "rating", "type": "int8"}, min_positive=4, max_negative=2)
    steps = train_fasttext_scorer("quality", view=View(base="read", bound=("ratings",)), labels=labels, dim=4)
    names = ["quality.labels", "quality", "quality.scores", "quality.card"]
    assert [step.name for step in steps] == names
    assert [step.write for step in steps] == [default_write(step.nodes) for step in steps]
    _, trainer, scorer, judge = (step.operators[0] for step in steps)
    assert (trainer.label_column, trainer.dim) == ("training_label", 4)
    assert scorer.model.uri == judge.model.uri == "step:quality/model.bin"
    assert judge.score.column == scorer.column
    assert judge.reference == labels.scores
    assert steps[-1].view == View(base="read", bound=("ratings", "quality.labels", "quality.scores"))
