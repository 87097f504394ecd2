"""Compositions of selection steps."""

from typing import Literal

from operators.fasttext.fasttext_score import NUM_CHARS, FastTextScore
from operators.select.combine_scores import CombineScores
from operators.select.named_columns import CellColumn, ScoreColumn
from operators.select.quota_cutoffs import QuotaCutoffs
from operators.select.quota_filter import QuotaFilter
from operators.select.quota_pool import QUOTAS_FILE
from operators.select.quota_repetitions import QuotaRepetitions
from operators.select.rank_bucket import BUCKET_SUFFIX, RankBucket
from operators.select.rank_cutoffs import NUM_BUCKETS, RANK_CUTOFFS_FILE, RankCutoffs
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
    return best_scored(name, view=view, scorer=scorer, share=share)


def best_scored(
    name: str,
    *,
    view: View,
    scorer: FastTextScore,
    share: float,
    weight: str | None = NUM_CHARS,
    keep_ties: bool = True,
) -> tuple[Step, ...]:
    """Steps that keep the best `share` of `view`, counted in the column `weight`, by what `scorer` says.

    They leave `<name>.scores` (columns), `<name>.threshold` (a model) and `<name>` (the removals).
    """
    scores, threshold = f"{name}.scores", f"{name}.threshold"
    scored = view.binding(scores)
    finder = ShareThreshold(column=scorer.column, weight=weight, share=share)
    found = FileRef(uri=f"step:{threshold}/{THRESHOLD_FILE}")
    cut = ScoreFilter(column=scorer.column, threshold_file=found, keep_ties=keep_ties)
    return (
        Step(name=scores, view=view, nodes=(scorer,), write=ArtifactKind.COLUMNS),
        Step(name=threshold, view=scored, nodes=(finder,), write=ArtifactKind.MODEL),
        Step(name=name, view=scored, nodes=(cut,), write=ArtifactKind.REMOVALS),
    )


def rank_bucket_ensemble(
    name: str,
    *,
    view: View,
    columns: tuple[ScoreColumn, ...],
    num_buckets: int = NUM_BUCKETS,
    how: Literal["max", "min", "mean", "sum"] = "max",
) -> tuple[Step, ...]:
    """Steps that make one score of several by their ranks in the pool, as Nemotron-CC joins its classifiers.

    They leave `<name>.cutoffs` (a model: the file of cutoffs) and `<name>` (columns: COLUMN_bucket of each of
    `columns`, and combined_bucket, the score of their buckets). The view must have `columns`; no text is read.
    """
    cutoffs = f"{name}.cutoffs"
    finder = RankCutoffs(columns=columns, num_buckets=num_buckets)
    bucket = RankBucket(columns=finder.columns, cutoffs=FileRef(uri=f"step:{cutoffs}/{RANK_CUTOFFS_FILE}"))
    buckets = tuple(ScoreColumn(column=one.column + BUCKET_SUFFIX, type="int16") for one in finder.columns)
    combine = CombineScores(columns=buckets, column="combined_bucket", how=how)
    return (
        Step(name=cutoffs, view=view, nodes=(finder,), write=ArtifactKind.MODEL),
        Step(name=name, view=view, nodes=(bucket, combine), write=ArtifactKind.COLUMNS),
    )


def select_by_quota(  # noqa: PLR0913 -- the settings of one method, all with its defaults
    name: str,
    *,
    view: View,
    budget: int | None = None,
    share: float | None = None,
    weight: str = "num_tokens",
    cells: tuple[CellColumn, ...] = (),
    scores: tuple[ScoreColumn, ...] = (),
    order: Literal["best", "random"] = "best",
    min_score: float | None = None,
    max_score: float | None = None,
    seed: int = 1,
    shares_of: Literal["eligible", "pool"] = "eligible",
    fill: Literal["reach", "within"] = "reach",
    when_dry: Literal["error", "short", "repeat"] = "error",
) -> tuple[Step, ...]:
    """Steps that choose documents up to a budget that is parted among the cells of `view`, as DataMan's selection does.

    They leave `<name>.quotas` (a model: what every cell has, was to have and got) and `<name>`: the removals, or with
    `when_dry: repeat` the column `repetitions`, 0 for documents that are not chosen. No text is read. The arguments are
    the fields of `quota_cutoffs`.
    """
    finder = QuotaCutoffs(
        budget=budget,
        share=share,
        weight=weight,
        cells=cells,
        scores=scores,
        order=order,
        min_score=min_score,
        max_score=max_score,
        seed=seed,
        shares_of=shares_of,
        fill=fill,
        when_dry=when_dry,
    )
    quotas = f"{name}.quotas"
    file = FileRef(uri=f"step:{quotas}/{QUOTAS_FILE}")
    repeats = when_dry == "repeat"
    choose = (
        QuotaRepetitions(**finder.settings(), quotas=file) if repeats else QuotaFilter(**finder.settings(), quotas=file)
    )
    return (
        Step(name=quotas, view=view, nodes=(finder,), write=ArtifactKind.MODEL),
        Step(name=name, view=view, nodes=(choose,), write=ArtifactKind.COLUMNS if repeats else ArtifactKind.REMOVALS),
    )
