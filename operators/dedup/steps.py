"""Deduplication as steps of a recipe: functions from names and settings to tuples of steps.

Text never travels: hashes, band rows and clusters do, and each ends in removals or columns of the same view.
"""

from typing import Annotated, Literal, NamedTuple

from pydantic import Field

from operators.dedup.band_rows import BUCKET, BandRows
from operators.dedup.canary_choice import CHOICE_FILE, CanaryChoice
from operators.dedup.canary_report import CanaryReport
from operators.dedup.choose_survivors import ChooseSurvivors, Verification
from operators.dedup.cluster_sizes import ClusterSizes
from operators.dedup.components import CLUSTER, ConnectedComponents
from operators.dedup.content_hash import CONTENT_HASH, ContentHash
from operators.dedup.decide_lines import DecideLines
from operators.dedup.dedup_report import DedupReport
from operators.dedup.drop_duplicates import DropDuplicates
from operators.dedup.drop_near_duplicates import DropNearDuplicates
from operators.dedup.edge_forest import NEIGHBOUR, NODE, EdgeForest
from operators.dedup.gather_lines import GatherLines
from operators.dedup.index_changes import IndexChanges
from operators.dedup.index_check import IndexCheck
from operators.dedup.index_entry import GENERATION, INDEX_COLUMNS, Generation, IndexEntry
from operators.dedup.index_settings import spelled_settings
from operators.dedup.large_star import CHANGED, LargeStar
from operators.dedup.line_rows import LINE, ORDINAL, LineRows
from operators.dedup.minhash import MinHashSignature
from operators.dedup.plant_canaries import PlantCanaries
from operators.dedup.presets import PresetName, settings_of
from operators.dedup.repeated_lines import MIN_WORDS
from operators.dedup.sample_pairs import PAIRS_FILE, SamplePairs
from operators.dedup.sampled_sets import SampledSets
from operators.dedup.settings import CalibrationPairs, MinHashSettings, Ngram, NumBands, RowsPerBand, Seed
from operators.dedup.shingle_operator import shingle_settings
from operators.dedup.shingle_sets import SHINGLES, ShingleSets
from operators.dedup.shingles import Unit as ShingleUnit
from operators.dedup.signature import BUCKETS, SIGNATURE
from operators.dedup.small_star import SmallStar
from operators.dedup.star_edges import StarEdges
from operators.text.normalized_characters import Normalization
from operators.text.units import Unit
from pipeline.document import DOC_ID, POSITION
from pipeline.operator import FileRef
from pipeline.plan.logical import ArtifactKind, Exchange, Node, Repeat, SortKey, Step, View

NumCanaries = Annotated[int, Field(ge=1, le=100_000)]


def _sort_keys(order_by: tuple[str, ...]) -> tuple[SortKey, ...]:
    return tuple(SortKey.model_validate(key) for key in order_by)


def _with_doc_id(order_by: tuple[str, ...]) -> tuple[str, ...]:
    """A total order that does not depend on shards."""
    return order_by if any(key.removeprefix("-") == DOC_ID for key in order_by) else (*order_by, DOC_ID)


def exact_deduplication(name: str, *, view: View, order_by: tuple[str, ...] = ()) -> tuple[Step, ...]:
    """Steps that remove all but one of the documents with equal text: `NAME.hashes`, and `NAME` with the removals.

    Args:
        name: The last step's name; the others are named under it.
        view: The documents that are compared. `order_by` may name the columns that are bound to it.
        order_by: Columns of the view that say which copy stays: the first. `-` before a name: largest first.
            doc_id breaks ties, so the survivor does not depend on how the view is cut into shards.
    """
    hashes = f"{name}.hashes"
    return (
        Step(name=hashes, view=view, nodes=(ContentHash(),), write=ArtifactKind.COLUMNS),
        Step(
            name=name,
            view=view.binding(hashes),
            nodes=(Exchange(key=CONTENT_HASH, sort=_sort_keys(_with_doc_id(order_by))), DropDuplicates()),
            write=ArtifactKind.REMOVALS,
        ),
    )


def _component_rounds() -> tuple[Node, ...]:
    """Connected components over exchanges, for more documents than one process holds."""
    by_node = Exchange(key=NODE, sort=(SortKey(column=NEIGHBOUR),))
    return EdgeForest(), Repeat(nodes=(by_node, LargeStar(), by_node, SmallStar()), while_any=CHANGED), ClusterSizes()


def minhash_deduplication(  # noqa: PLR0913 -- the settings of one published method, all with its defaults
    name: str,
    *,
    view: View,
    order_by: tuple[str, ...] = (),
    preset: PresetName | None = None,
    num_bands: NumBands | None = None,
    rows_per_band: RowsPerBand | None = None,
    ngram: Ngram | None = None,
    unit: ShingleUnit | None = None,
    normalization: Normalization | None = None,
    tokenizer: FileRef | None = None,
    seed: Seed | None = None,
    verify: Verification = "signature",
    verify_at: float = 0.7,
    hubs: int = 3,
    calibration_pairs: CalibrationPairs = 10_000,
    index: bool = False,
    generation: Generation | None = None,
    canaries: NumCanaries | None = None,
) -> tuple[Step, ...]:
    """Steps that remove near-duplicates, the last of them, `NAME`, with the removals.

    `NAME.signatures`, `.edges`, `.clusters` find documents that chains of shared buckets join; `NAME.decisions` are
    columns that say of each of these which document stays in its place. `verify: jaccard` adds `NAME.shingles`.
    `NAME.report` says in numbers what was found and, of the sample `NAME.pairs` with the sets of `NAME.sampled`, how
    well signatures estimate.

    Against the indexes of earlier builds that stand behind the view, the view's documents are compared with theirs
    too, and come after them in survivor order. `NAME.against` checks the indexes, `NAME.changes` says what became of
    their documents. `index` adds `NAME.index`, against which later builds can do the same.

    Args:
        name: The last step's name; the others are named under it.
        view: The documents that are compared, and the indexes behind them. `order_by` may name the columns that are
            bound to it.
        order_by: Columns of the view that say which document of a cluster stays: the first. `-` before a name:
            largest first. doc_id breaks ties, so the survivor does not depend on how the view is cut into shards.
        preset: Published settings of what follows up to `seed`; without it they are those of `fineweb`.
        num_bands: Bands of a signature, 14 unless set; more find less similar pairs.
        rows_per_band: Values in a band, 8 unless set; more miss less similar pairs.
        ngram: Units of a shingle, 5 unless set.
        unit: What a shingle is made of, words unless set.
        normalization: What is done to texts before, `datatrove` unless set.
        tokenizer: A `tokenizer.json`, for the unit `token`.
        seed: Of the permutations, 1 unless set.
        verify: What is compared before a document is removed: `signature`; `jaccard`, the sets of shingles; or
            nothing: `off` removes all but one document of each cluster.
        verify_at: Least similarity of a removed document and its survivor.
        hubs: Documents of a bucket, its first, that the others are compared with.
        calibration_pairs: Size of the sample of candidate pairs whose exact similarities the report holds against their
            estimates. The texts are read once more for it; 0 leaves it out.
        index: Whether to write an index of these documents.
        generation: Of these documents, greater than those of the indexes that they are compared with; 0 unless set, and
            1 against an index.
        canaries: Documents of which edited copies check what is removed, see `_canary_steps`; writes an index too.
    """
    explicit = {
        "num_bands": num_bands,
        "rows_per_band": rows_per_band,
        "ngram": ngram,
        "unit": unit,
        "normalization": normalization,
        "tokenizer": tokenizer,
        "seed": seed,
    }
    settings = settings_of(preset, explicit)
    banding = {"num_bands": settings.num_bands, "rows_per_band": settings.rows_per_band}
    method = _Method(
        signature=MinHashSignature(**dict(settings)),
        chooser=ChooseSurvivors(**banding, hubs=hubs, verify=verify, verify_at=verify_at),
        order_by=_with_doc_id(order_by),
        generation=(1 if view.against else 0) if generation is None else generation,
    )
    index = index or canaries is not None
    own = view.alone()
    signatures, clusters, decisions = (f"{name}.{part}" for part in ("signatures", "clusters", "decisions"))
    compared = [signatures, clusters]
    steps = [
        *_index_check(name, view, method),
        Step(name=signatures, view=own, nodes=(method.signature,), write=ArtifactKind.COLUMNS),
        *_cluster_steps(name, view.binding(signatures), method),
    ]
    if verify == "jaccard":
        # An index has the sets of all documents: who will have company later is not known.
        sets = _shingle_step(f"{name}.shingles", own if index else own.binding(clusters), settings, every=index)
        steps.append(sets)
        compared.append(sets.name)
    steps.append(_decision_step(name, view.binding(*compared), method))
    if view.against:
        changes = view.binding(clusters, decisions)
        steps.append(Step(name=f"{name}.changes", view=changes, nodes=(IndexChanges(),), write=ArtifactKind.TABLE))
    if index:
        steps.append(_index_step(name, own.binding(*compared, decisions), method))
    if canaries is not None:
        steps.extend(_canary_steps(name, own.binding(clusters), method, canaries))
    steps.extend(_report_steps(name, own.binding(*compared, decisions), method, calibration_pairs))
    removal = DropNearDuplicates(verify_at=None if verify == "off" else verify_at)
    return (*steps, Step(name=name, view=own.binding(decisions), nodes=(removal,), write=ArtifactKind.REMOVALS))


class _Method(NamedTuple):
    """How documents are compared, whichever they are."""

    signature: MinHashSignature
    chooser: ChooseSurvivors
    order_by: tuple[str, ...]
    """A total order."""
    generation: int


def _cluster_steps(name: str, view: View, method: _Method) -> tuple[Step, ...]:
    """`NAME.edges` and `NAME.clusters` of a view that has the columns of signatures."""
    bands = BandRows(num_bands=method.signature.num_bands)
    edges = Step(
        name=f"{name}.edges",
        view=view,
        nodes=(bands, Exchange(key=BUCKET, order="arrival"), StarEdges()),
        write=ArtifactKind.TABLE,
    )
    clusters = Step(
        name=f"{name}.clusters",
        view=view,
        tables=(edges.name,),
        nodes=(ConnectedComponents(),),
        beyond_memory=_component_rounds(),
        write=ArtifactKind.COLUMNS,
    )
    return edges, clusters


def _shingle_step(name: str, view: View, settings: MinHashSettings, *, every: bool) -> Step:
    """The sets that signatures stand for, of documents with company, or of every document."""
    sets = ShingleSets(**shingle_settings(settings), every=every)
    return Step(name=name, view=view, nodes=(sets,), write=ArtifactKind.COLUMNS)


def _decision_step(name: str, view: View, method: _Method) -> Step:
    """`NAME.decisions` of a view that has clusters and what is compared: documents of indexes first."""
    order = (GENERATION, *method.order_by) if view.against else method.order_by
    nodes = (Exchange(key=CLUSTER, sort=_sort_keys(order)), method.chooser)
    return Step(name=f"{name}.decisions", view=view, nodes=nodes, write=ArtifactKind.COLUMNS)


def _index_check(name: str, view: View, method: _Method) -> tuple[Step, ...]:
    """`NAME.against`, where the view stands against indexes."""
    if not view.against:
        return ()
    check = IndexCheck(
        settings=spelled_settings(method.signature),
        tokenizer=method.signature.tokenizer,
        generation=method.generation,
    )
    return (Step(name=f"{name}.against", tables=view.against, nodes=(check,), write=ArtifactKind.TABLE),)


def _index_step(name: str, view: View, method: _Method) -> Step:
    """`NAME.index` of a view that has decisions, and what later documents are compared with."""
    entry = IndexEntry(
        settings=spelled_settings(method.signature),
        tokenizer=method.signature.tokenizer,
        generation=method.generation,
    )
    compared = (BUCKETS, SIGNATURE, *((SHINGLES,) if method.chooser.verify == "jaccard" else ()))
    ordering = (key.removeprefix("-") for key in method.order_by)
    columns = tuple(dict.fromkeys([DOC_ID, *ordering, *compared, *INDEX_COLUMNS]))
    return Step(name=f"{name}.index", view=view, nodes=(entry,), write=ArtifactKind.TABLE, columns=columns)


def _canary_steps(name: str, view: View, method: _Method, num_canaries: int) -> tuple[Step, ...]:
    """Steps that plant canaries, decide on them as on new documents against `NAME.index`, and judge what was removed.

    Canaries are rows of a table of their own, so they cannot reach what is written.
    """
    canaries = f"{name}.canaries"
    chosen = f"{canaries}.chosen"
    choice = FileRef(uri=f"step:{chosen}/{CHOICE_FILE}")
    plant = PlantCanaries(choice=choice, **dict(method.signature))
    against = View(base=canaries, against=(f"{name}.index",))
    clusters, decisions = (f"{canaries}.{part}" for part in ("clusters", "decisions"))
    chooser = method.chooser
    report = CanaryReport(
        num_bands=chooser.num_bands,
        rows_per_band=chooser.rows_per_band,
        verify=chooser.verify,
        verify_at=chooser.verify_at,
    )
    return (
        Step(name=chosen, view=view, nodes=(CanaryChoice(num_canaries=num_canaries),), write=ArtifactKind.MODEL),
        Step(name=canaries, view=view, nodes=(plant,), write=ArtifactKind.TABLE),
        *_cluster_steps(canaries, against, method),
        # Whichever order the index's documents have: a canary's original has no company among them.
        _decision_step(canaries, against.binding(clusters), method._replace(order_by=(DOC_ID,))),
        Step(
            name=f"{canaries}.report",
            view=View(base=canaries, bound=(decisions,)),
            nodes=(report,),
            write=ArtifactKind.MODEL,
        ),
    )


def _report_steps(name: str, view: View, method: _Method, num_pairs: int) -> tuple[Step, ...]:
    """`NAME.report` of a view that has decisions and what they were made of, after what calibrates it."""
    chooser, signature = method.chooser, method.signature
    pairs, sampled = f"{name}.pairs", f"{name}.sampled"
    report = DedupReport(
        num_bands=chooser.num_bands,
        rows_per_band=chooser.rows_per_band,
        verify_at=None if chooser.verify == "off" else chooser.verify_at,
        pairs=FileRef(uri=f"step:{pairs}/{PAIRS_FILE}") if num_pairs else None,
    )
    if report.pairs is None:
        return (Step(name=f"{name}.report", view=view, nodes=(report,), write=ArtifactKind.MODEL),)
    sets = SampledSets(**shingle_settings(signature), pairs=report.pairs, sets_exist=chooser.verify == "jaccard")
    return (
        Step(name=pairs, view=view, nodes=(SamplePairs(num_pairs=num_pairs),), write=ArtifactKind.MODEL),
        Step(name=sampled, view=view, nodes=(sets,), write=ArtifactKind.COLUMNS),
        Step(name=f"{name}.report", view=view.binding(sampled), nodes=(report,), write=ArtifactKind.MODEL),
    )


def line_deduplication(
    name: str,
    *,
    view: View,
    unit: Unit = "line",
    min_words: int = MIN_WORDS,
    min_count: int = 2,
    keep: Literal["first", "none"] = "first",
    order_by: tuple[str, ...] = (),
    code_column: str | None = None,
) -> tuple[Step, ...]:
    """The step that finds repeated lines, or paragraphs, across all documents: `NAME`, with columns.

    Nothing is cut out yet: bind NAME where text is written next, and put `remove_lines` there, then `drop_emptied`.

    Args:
        name: The step's name.
        view: The documents whose lines are compared. `order_by` and `code_column` may name what is bound to it.
        unit: `line`, or `paragraph`: lines between blank lines. The column is `repeated_lines`, or
            `repeated_paragraphs`: the numbers of those that go, null for a document that loses nothing.
        min_words: Words of a unit that takes part.
        min_count: How often a unit is there, in all documents, for it to be repeated.
        keep: `first` keeps one of equal units; `none` keeps none of them.
        order_by: Columns of the view that say which unit is first. `-` before a name: largest first. Then position in
            the view, then the place in the document.
        code_column: A bool column that is true for documents that are code, which are left alone.
    """
    rows = LineRows(unit=unit, min_words=min_words, min_count=min_count, order_by=order_by, code_column=code_column)
    nodes = (
        rows,
        Exchange(key=LINE, sort=_sort_keys(order_by)),
        DecideLines(keep=keep, min_count=min_count),
        Exchange(key=POSITION, sort=_sort_keys((ORDINAL,))),
        GatherLines(unit=unit),
    )
    return (Step(name=name, view=view, nodes=nodes, write=ArtifactKind.COLUMNS),)
