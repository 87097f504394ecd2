"""Documents that went, chosen to be shown: one of each of the commonest reasons, and a duplicate beside what stayed."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.artifact import DATA, LEDGER, Manifest
from pipeline.document import DOC_ID, TEXT
from pipeline.io.scratch import local_copies, local_copy

MAX_SEARCHED_ROWS = 1_000_000
"""A survivor is looked for in all ids of its base, which takes a second at this size; larger bases show no pair."""


@dataclass(frozen=True, slots=True)
class RemovedDocument:
    """A document that went, and why."""

    operator: str
    rule: str
    doc_id: str
    """In hex."""
    text: str
    """Its first characters, or all of it where there is a survivor."""
    survivor: str | None = None
    """doc_id, in hex, of the document that stayed in its place."""
    survivor_text: str | None = None


def removed_examples(manifests: Mapping[str, Manifest], limit: int = 3) -> tuple[RemovedDocument, ...]:
    """At most `limit` documents: of the operators that dropped most, their commonest rule; a duplicate comes last."""
    pair = _duplicate(manifests)
    room = limit - (pair is not None)
    chosen: dict[str, RemovedDocument] = {}
    for example in _kept_examples(manifests):
        chosen.setdefault(example.operator, example)
    return (*list(chosen.values())[:room], *([pair] if pair else []))


def _kept_examples(manifests: Mapping[str, Manifest]) -> Iterator[RemovedDocument]:
    """An example of each rule that commits keep any of, the commonest rule first."""
    smallest: dict[tuple[str, str], RemovedDocument] = {}
    weights: dict[tuple[str, str], int] = {}
    for manifest in manifests.values():
        for shard in manifest.shards:
            for found in shard.examples:
                example = RemovedDocument(found["operator"], found["rule"], found["doc_id"], found["text"])
                key = (example.operator, example.rule)
                if key not in smallest or example.doc_id < smallest[key].doc_id:
                    smallest[key] = example
        for name, rows in manifest.rule_totals().items():
            operator, _, rule = name.split("/", 2)
            weights[operator, rule] = weights.get((operator, rule), 0) + rows
    yield from (smallest[key] for key in sorted(smallest, key=lambda key: (-weights.get(key, 0), key)))


def _duplicate(manifests: Mapping[str, Manifest]) -> RemovedDocument | None:
    """The first document that the last deduplication removed, with its survivor; None where none is cheap to find."""
    for manifest in reversed(list(manifests.values())):
        base = manifests.get(manifest.base_step or "")
        if base is None or TEXT not in base.columns or DOC_ID not in base.columns:
            continue
        if sum(base.shard_rows) > MAX_SEARCHED_ROWS:
            continue
        for shard in range(len(manifest.shards)):
            pair = _first_pair(manifest, base, shard)
            if pair is not None:
                return pair
    return None


def _first_pair(manifest: Manifest, base: Manifest, shard: int) -> RemovedDocument | None:
    import pyarrow.dataset as ds  # noqa: PLC0415 -- few runs come to this

    ledger, data = manifest.path(shard, LEDGER), base.path(shard, DATA)
    if ledger is None or data is None:
        return None
    rows = pq.read_table(local_copy(ledger), columns=["row", "operator", "rule", "survivor"])
    rows = rows.filter(pc.is_valid(rows["survivor"]))
    if rows.num_rows == 0:
        return None
    removal = rows.slice(0, 1).to_pylist()[0]
    doc_ids = pq.read_table(local_copy(data), columns=[DOC_ID])
    doc_id = doc_ids[DOC_ID][removal["row"]].as_py()
    files = [path for index in range(len(base.shards)) if (path := base.path(index, DATA)) is not None]
    wanted = pa.array([doc_id, removal["survivor"]], doc_ids.schema.field(DOC_ID).type)
    found = ds.dataset(local_copies(files)).to_table(columns=[DOC_ID, TEXT], filter=ds.field(DOC_ID).isin(wanted))
    texts = dict(zip(found[DOC_ID].to_pylist(), found[TEXT].to_pylist(), strict=True))
    return RemovedDocument(
        removal["operator"],
        removal["rule"],
        doc_id.hex(),
        texts[doc_id],
        removal["survivor"].hex(),
        texts[removal["survivor"]],
    )
