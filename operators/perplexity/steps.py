"""Compositions of steps around perplexity."""

from operators.perplexity.kenlm_perplexity import KenlmPerplexity, LanguageModel
from operators.perplexity.perplexity_bucket import PerplexityBucket
from operators.perplexity.perplexity_cutoffs import CUTOFFS_FILE, HEAD_PERCENT, MIDDLE_PERCENT, PerplexityCutoffs
from pipeline.operator import FileRef
from pipeline.plan.logical import ArtifactKind, Step, View


def perplexity_buckets(
    name: str,
    *,
    view: View,
    models: dict[str, LanguageModel],
    head_percent: int = HEAD_PERCENT,
    middle_percent: int = MIDDLE_PERCENT,
) -> tuple[Step, ...]:
    """Steps that part the documents of each language into head, middle and tail by perplexity, as CCNet does.

    They leave `<name>.scores` (columns: perplexity and perplexity_tokens), `<name>.cutoffs` (a model: the file of
    cutoffs) and `<name>` (columns: perplexity_bucket). The view must have `language`. Text is read once, by the first;
    the other two read scores.
    """
    scores, cutoffs = f"{name}.scores", f"{name}.cutoffs"
    scored = view.binding(scores)
    finder = PerplexityCutoffs(head_percent=head_percent, middle_percent=middle_percent)
    bucket = PerplexityBucket(cutoffs=FileRef(uri=f"step:{cutoffs}/{CUTOFFS_FILE}"))
    return (
        Step(name=scores, view=view, nodes=(KenlmPerplexity(models=models),), write=ArtifactKind.COLUMNS),
        Step(name=cutoffs, view=scored, nodes=(finder,), write=ArtifactKind.MODEL),
        Step(name=name, view=scored, nodes=(bucket,), write=ArtifactKind.COLUMNS),
    )
