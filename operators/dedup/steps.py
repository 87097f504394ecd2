"""Deduplication as steps of a recipe: functions from names and settings to tuples of steps.

Text never travels: hashes, band rows and clusters do, and each ends in removals of the same view.
"""

from operators.dedup.band_rows import BUCKET, BandRows
from operators.dedup.choose_survivors import ChooseSurvivors
from operators.dedup.components import CLUSTER, ConnectedComponents
from operators.dedup.content_hash import CONTENT_HASH, ContentHash
from operators.dedup.drop_duplicates import DropDuplicates
from operators.dedup.minhash import MinHashSignature
from operators.dedup.star_edges import StarEdges
from pipeline.document import DOC_ID
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
        ngram: Words of a shingle.
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
