"""Deduplication as steps of a recipe: functions from names and settings to tuples of steps.

Text never travels: hashes, band rows and clusters do, and each ends in removals or columns of the same view.
"""

from typing import Literal

from operators.dedup.band_rows import BUCKET, BandRows
from operators.dedup.choose_survivors import ChooseSurvivors
from operators.dedup.components import CLUSTER, ConnectedComponents
from operators.dedup.content_hash import CONTENT_HASH, ContentHash
from operators.dedup.decide_lines import DecideLines
from operators.dedup.drop_duplicates import DropDuplicates
from operators.dedup.gather_lines import GatherLines
from operators.dedup.line_rows import LINE, ORDINAL, LineRows
from operators.dedup.minhash import MinHashSignature
from operators.dedup.repeated_lines import MIN_WORDS
from operators.dedup.star_edges import StarEdges
from operators.text.units import Unit
from pipeline.document import DOC_ID, POSITION
from pipeline.plan.logical import ArtifactKind, Exchange, SortKey, Step, View


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


def minhash_deduplication(
    name: str,
    *,
    view: View,
    order_by: tuple[str, ...] = (),
    num_bands: int = 14,
    rows_per_band: int = 8,
    ngram: int = 5,
    seed: int = 1,
    verify_at: float = 0.7,
) -> tuple[Step, ...]:
    """Steps that remove near-duplicates: `NAME.signatures`, `.edges`, `.clusters`, and `NAME` with the removals.

    Args:
        name: The last step's name; the others are named under it.
        view: The documents that are compared. `order_by` may name the columns that are bound to it.
        order_by: Columns of the view that say which document of a cluster stays: the first. `-` before a name:
            largest first. doc_id breaks ties, so the survivor does not depend on how the view is cut into shards.
        num_bands: Bands of a signature; more find less similar pairs.
        rows_per_band: Values in a band; more miss less similar pairs. See `buckets.collision_probability`.
        ngram: Words of a shingle; a document with fewer is compared whole.
        seed: Of the permutations.
        verify_at: Least estimated Jaccard similarity of a removed document and its survivor; 0 removes whole clusters.
    """
    signatures, edges, clusters = (f"{name}.{part}" for part in ("signatures", "edges", "clusters"))
    banding = {"num_bands": num_bands, "rows_per_band": rows_per_band}
    return (
        Step(
            name=signatures,
            view=view,
            nodes=(MinHashSignature(**banding, ngram=ngram, seed=seed),),
            write=ArtifactKind.COLUMNS,
        ),
        Step(
            name=edges,
            view=view.binding(signatures),
            nodes=(BandRows(num_bands=num_bands), Exchange(key=BUCKET, order="arrival"), StarEdges()),
            write=ArtifactKind.TABLE,
        ),
        Step(
            name=clusters,
            view=view.binding(signatures),
            tables=(edges,),
            nodes=(ConnectedComponents(),),
            write=ArtifactKind.COLUMNS,
        ),
        Step(
            name=name,
            view=view.binding(signatures, clusters),
            nodes=(
                Exchange(key=CLUSTER, sort=_sort_keys(_with_doc_id(order_by))),
                ChooseSurvivors(**banding, verify_at=verify_at),
            ),
            write=ArtifactKind.REMOVALS,
        ),
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
