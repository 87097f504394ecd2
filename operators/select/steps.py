"""Compositions of selection steps."""

from typing import Literal

from operators.fasttext.fasttext_score import FastTextScore
from operators.select.score_filter import ScoreFilter
from operators.select.share_threshold import THRESHOLD_FILE, ShareThreshold
from pipeline.operator import FileRef
from pipeline.plan.logical import ArtifactKind, Step, View


def select_by_share(
    name: str,
    *,
    view: View,
    model: FileRef | str,
    share: float,
    label: str = "__label__1",
    newline: Literal["", " "] = " ",
) -> tuple[Step, ...]:
    """Steps that keep the best `share` of the characters of `view` by a fastText classifier's score.

    They leave `<name>.scores` (columns: the score and num_chars), `<name>.threshold` (a model: the threshold file) and
    `<name>` (the removals). Text is read once, by the first; the other two read scores.
    """
    scorer = FastTextScore(model=FileRef(uri=model) if isinstance(model, str) else model, label=label, newline=newline)
    scores, threshold = f"{name}.scores", f"{name}.threshold"
    scored = view.binding(scores)
    finder = ShareThreshold(column=scorer.column, share=share)
    cut = ScoreFilter(column=scorer.column, threshold_file=FileRef(uri=f"step:{threshold}/{THRESHOLD_FILE}"))
    return (
        Step(name=scores, view=view, nodes=(scorer,), write=ArtifactKind.COLUMNS),
        Step(name=threshold, view=scored, nodes=(finder,), write=ArtifactKind.MODEL),
        Step(name=name, view=scored, nodes=(cut,), write=ArtifactKind.REMOVALS),
    )
