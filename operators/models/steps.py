"""Compositions of steps around models."""

from operators.models.fineweb_edu import MIN_INT_SCORE, edu_classifier, lowest_score
from operators.models.settings import ModelSettings
from operators.select.score_filter import ScoreFilter
from pipeline.folder_ref import FolderRef
from pipeline.plan.logical import ArtifactKind, Step, View


def fineweb_edu(
    name: str,
    *,
    view: View,
    model: FolderRef | str,
    settings: ModelSettings | None = None,
    min_int_score: int = MIN_INT_SCORE,
) -> tuple[Step, ...]:
    """Steps that keep the documents of `view` whose educational value is `min_int_score` or more, as FineWeb-Edu does.

    They leave `<name>.scores` (columns: edu_score and edu_int_score) and `<name>` (the removals). Text is read once, by
    the first; the other needs no model, so that another threshold costs no scoring.
    """
    scorer = edu_classifier(FolderRef(uri=model) if isinstance(model, str) else model, settings)
    scores = f"{name}.scores"
    cut = ScoreFilter(column=f"{scorer.stem}_score", min_score=lowest_score(min_int_score))
    return (
        Step(name=scores, view=view, nodes=(scorer,), write=ArtifactKind.COLUMNS),
        Step(name=name, view=view.binding(scores), nodes=(cut,), write=ArtifactKind.REMOVALS),
    )
