"""The steps' shape, and what they do when a few lines of Python carry them out."""

import random
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from operators.dedup import line_rows
from operators.dedup.band_rows import BandRows
from operators.dedup.dedup_report import DedupReport
from operators.dedup.sample_pairs import SamplePairs
from operators.dedup.steps import exact_deduplication, line_deduplication, minhash_deduplication
from pipeline.document import TEXT_TYPE
from pipeline.operator import Annotator, Filter, PartitionOperator, ShardOperator, Task, TaskInputs
from pipeline.plan.logical import ArtifactKind, Exchange, SortKey, View, default_write
from tests.line_oracle import repeated


def test_exact_deduplication_writes_hashes_then_removals():
    hashes, removals = exact_deduplication(
        "exact", view=View(base="read", bound=("language",)), order_by=("-num_chars", "date")
    )
    assert (hashes.name, removals.name) == ("exact.hashes", "exact")
    assert hashes.view == View(base="read", bound=("language",))
    assert removals.view == View(base="read", bound=("language", "exact.hashes"))
    assert [operator.name for operator in hashes.operators] == ["content_hash"]
    exchange, drop = removals.nodes
    order = (SortKey(column="num_chars", descending=True), SortKey(column="date"), SortKey(column="doc_id"))
    assert exchange == Exchange(key="content_hash", sort=order)
    assert drop.name == "drop_duplicates"


def test_minhash_deduplication_is_five_steps_and_a_report():
    steps = minhash_deduplication(
        "fuzzy", view=View(base="read", bound=("exact",)), order_by=("-num_chars",), verify_at=0.8, calibration_pairs=0
    )
    signatures, edges, clusters, decisions, report, removals = steps
    parts = ["fuzzy.signatures", "fuzzy.edges", "fuzzy.clusters", "fuzzy.decisions", "fuzzy.report", "fuzzy"]
    assert [step.name for step in steps] == parts
    assert signatures.view == View(base="read", bound=("exact",))
    assert edges.view == View(base="read", bound=("exact", "fuzzy.signatures"))
    assert (clusters.view, clusters.tables) == (edges.view, ("fuzzy.edges",))
    assert decisions.view == View(base="read", bound=("exact", "fuzzy.signatures", "fuzzy.clusters"))
    assert removals.view == View(base="read", bound=("exact", "fuzzy.decisions"))
    assert edges.nodes[1] == Exchange(key="bucket", order="arrival")
    assert decisions.nodes[0] == Exchange(
        key="cluster", sort=(SortKey(column="num_chars", descending=True), SortKey(column="doc_id"))
    )
    assert decisions.operators[0].verify_at == removals.operators[0].verify_at == 0.8
    columns = ("fuzzy.signatures", "fuzzy.clusters", "fuzzy.decisions")
    assert report.view == View(base="read", bound=("exact", *columns))
    assert report.operators[0] == DedupReport(verify_at=0.8)


@pytest.mark.parametrize("verify", ["signature", "jaccard", "off"])
def test_the_report_is_calibrated_with_a_sample_of_pairs(verify):
    steps = minhash_deduplication(
        "fuzzy", view=View(base="read"), num_bands=9, rows_per_band=13, ngram=3, verify=verify, calibration_pairs=77
    )
    *_, pairs, sampled, report, removals = steps
    assert [step.name for step in steps[-4:]] == ["fuzzy.pairs", "fuzzy.sampled", "fuzzy.report", "fuzzy"]
    assert pairs.operators == (SamplePairs(num_pairs=77),)
    (sets,) = sampled.operators
    for name in ("ngram", "unit", "normalization", "tokenizer"):
        assert getattr(sets, name) == getattr(steps[0].operators[0], name)
    assert sets.sets_exist == (verify == "jaccard") == ("fuzzy.shingles" in sampled.view.bound)
    assert pairs.name in sampled.parents
    (made,) = report.operators
    assert (made.num_bands, made.rows_per_band) == (9, 13)
    assert made.verify_at == removals.operators[0].verify_at == (None if verify == "off" else 0.7)
    assert {pairs.name, sampled.name} < set(report.parents)
    assert removals.view.bound == ("fuzzy.decisions",), "nobody waits for the report"


def test_without_verification_removals_have_no_threshold():
    steps = minhash_deduplication("fuzzy", view=View(base="read"), verify="off")
    decisions, removals = steps[3], steps[-1]
    assert decisions.operators[0].verify == "off"
    assert removals.operators[0].verify_at is None


def test_exact_verification_compares_the_sets_that_signatures_stand_for():
    steps = minhash_deduplication("fuzzy", view=View(base="read"), ngram=3, verify="jaccard")
    signature, sets, decisions = steps[0].operators[0], steps[3], steps[4]
    assert sets.name == "fuzzy.shingles"
    assert sets.view == View(base="read", bound=("fuzzy.clusters",))
    (operator,) = sets.operators
    for name in ("ngram", "unit", "normalization", "tokenizer"):
        assert getattr(operator, name) == getattr(signature, name)
    assert decisions.view.bound == ("fuzzy.signatures", "fuzzy.clusters", "fuzzy.shingles")


def test_an_index_keeps_what_later_documents_are_compared_and_ordered_by():
    steps = minhash_deduplication("fuzzy", view=View(base="read"), order_by=("-rank",), verify="jaccard", index=True)
    parts = ["signatures", "edges", "clusters", "shingles", "decisions", "index"]
    assert [step.name for step in steps[:6]] == [f"fuzzy.{part}" for part in parts]
    assert (steps[3].view, steps[3].operators[0].every) == (View(base="read"), True)
    index = steps[5]
    assert (index.write, index.operators[0].generation) == (ArtifactKind.TABLE, 0)
    assert index.columns[:5] == ("doc_id", "rank", "minhash_buckets", "minhash", "shingles")


def test_against_an_index_its_documents_come_first_and_removals_stay_in_the_base():
    view = View(base="read", bound=("exact",), against=("old",))
    check, signatures, edges, clusters, decisions, changes, *reporting, removals = minhash_deduplication(
        "fuzzy", view=view, order_by=("-rank",)
    )
    assert (check.name, check.tables, check.operators[0].generation) == ("fuzzy.against", ("old",), 1)
    assert {step.view.against for step in (signatures, *reporting, removals)} == {()}
    assert [step.view.against for step in (edges, clusters, decisions, changes)] == [("old",)] * 4
    order = (SortKey(column="generation"), SortKey(column="rank", descending=True), SortKey(column="doc_id"))
    assert decisions.nodes[0] == Exchange(key="cluster", sort=order)
    assert removals.view == View(base="read", bound=("exact", "fuzzy.decisions"))


def test_a_preset_gives_the_settings():
    steps = minhash_deduplication("fuzzy", view=View(base="read"), preset="curator", seed=3)
    signature = steps[0].operators[0]
    assert (signature.num_bands, signature.rows_per_band, signature.ngram, signature.seed) == (20, 13, 24, 3)
    with pytest.raises(ValueError, match="preset 'curator': expected ngram 24"):
        minhash_deduplication("fuzzy", view=View(base="read"), preset="curator", ngram=5)


def test_off_may_be_written_as_yaml_reads_it():
    steps = minhash_deduplication("fuzzy", view=View(base="read"), verify=False)
    assert steps[3].operators[0].verify == "off"


def test_settings_reach_every_operator_that_needs_them():
    steps = minhash_deduplication("fuzzy", view=View(base="read"), num_bands=9, rows_per_band=13, ngram=3, seed=7)
    signature, band_rows = steps[0].operators[0], steps[1].operators[0]
    survivors = steps[3].operators[0]
    assert (signature.ngram, signature.seed) == (3, 7)
    assert band_rows == BandRows(num_bands=9)
    for operator, column in ((band_rows, "minhash_buckets"), (survivors, "minhash")):
        assert operator.requires().field(column).type == signature.adds().field(column).type


def test_doc_id_is_a_tie_breaker_once():
    decisions = minhash_deduplication("fuzzy", view=View(base="read"), order_by=("-doc_id",))[3]
    assert decisions.nodes[0].sort == (SortKey(column="doc_id", descending=True),)


def test_each_step_writes_what_its_nodes_decide():
    steps = (
        *exact_deduplication("exact", view=View(base="read")),
        *minhash_deduplication("fuzzy", view=View(base="read")),
    )
    for step in steps:
        written = ArtifactKind.TABLE if step.name == "fuzzy.edges" else default_write(step.nodes)
        assert step.write == written, step.name


def exchange(table, node):
    rows = table.filter(table.column(node.key).is_valid())
    order = [(node.key, "ascending")]
    order += [(key.column, "descending" if key.descending else "ascending") for key in node.sort]
    return rows.take(pc.sort_indices(rows, sort_keys=[*order, ("position", "ascending")]))


def one_batch(table):
    batches = table.combine_chunks().to_batches()
    return batches[0] if batches else pa.RecordBatch.from_pylist([], table.schema)


class Memory:
    def __init__(self, table):
        self.table, self.schema = table, table.schema

    def batches(self, columns=None):
        for batch in self.table.select(columns or self.schema.names).to_batches():
            yield 0, batch


def at_home(rows, view):
    """The rows in the view's order, without their positions; null where none came."""
    places = {place: row for row, place in enumerate(rows.column("position").to_pylist())}
    taken = [places.get(place) for place in view.column("position").to_pylist()]
    return rows.drop_columns(["position"]).take(pa.array(taken, pa.int64()))


def without_report(steps):
    """The steps that the last one waits for, and itself."""
    needed = {steps[-1].name}
    for step in reversed(steps):
        if step.name in needed:
            needed.update(step.parents)
    assert f"{steps[-1].name}.report" not in needed
    return [step for step in steps if step.name in needed]


def survivors(steps, documents, num_shards=3):
    """{doc_id removed: doc_id that stays} after carrying `steps` out on {doc_id: text}, dealt to shards."""
    shards = [list(documents.items())[shard::num_shards] for shard in range(num_shards)]
    view = pa.table(
        {
            "doc_id": pa.array([doc_id for shard in shards for doc_id, _ in shard], pa.binary(16)),
            "text": pa.array([text for shard in shards for _, text in shard], TEXT_TYPE),
            "position": pa.array(
                [(number << 32) | row for number, shard in enumerate(shards) for row in range(len(shard))], pa.uint64()
            ),
        }
    )
    base_rows = tuple(map(len, shards))
    artifacts, rows = {}, view
    for step in without_report(steps):
        rows = view
        for node in step.nodes:
            if isinstance(node, Exchange):
                rows = exchange(rows, node)
            elif isinstance(node, Annotator):
                rows = pa.Table.from_batches([node.open()(one_batch(rows))])
            elif isinstance(node, PartitionOperator | ShardOperator):
                rows = pa.Table.from_batches(node.open()(iter([one_batch(rows)])), node.output_schema(rows.schema))
            elif isinstance(node, Task):
                tables = {name: Memory(artifacts[name]) for name in step.tables}
                found = node.open()(TaskInputs(None, tables, base_rows, Path("unused")))
                rows = pa.Table.from_batches([batch for _, batch in found])
            elif isinstance(node, Filter):
                verdicts = node.open()(one_batch(rows))
                removed = rows.select(["position"]).append_column("survivor", verdicts.survivor)
                rows = removed.filter(pa.array(~verdicts.keep))
        artifacts[step.name] = rows
        if step.write == ArtifactKind.COLUMNS:
            rows = at_home(rows, view) if isinstance(step.nodes[-1], PartitionOperator) else rows
            for name in rows.schema.names:
                view = view.append_column(rows.schema.field(name), rows.column(name))
    doc_id_at = dict(zip(view.column("position").to_pylist(), view.column("doc_id").to_pylist(), strict=True))
    return {doc_id_at[removal["position"]]: removal["survivor"] for removal in rows.to_pylist()}


def ids(count):
    return [number.to_bytes(16, "big") for number in range(count)]


def page(seed, num_words=120):
    rng = random.Random(seed)
    return " ".join("".join(rng.choices("abcdefghij", k=5)) for _ in range(num_words))


def test_near_duplicates_go_and_others_stay():
    words = page(1).split()
    edited = " ".join([*words[:60], "another", *words[61:]])
    a, b, c, d, e = ids(5)
    documents = {a: page(1), b: page(2), c: edited, d: page(2).upper() + "!", e: "..."}
    assert survivors(minhash_deduplication("fuzzy", view=View(base="read")), documents) == {c: a, d: b}


def test_exact_copies_go_and_near_ones_stay():
    a, b, c, d = ids(4)
    documents = {a: "text", b: "text ", c: "text", d: ""}
    # Dealt to three shards: a and d, b, c.
    assert survivors(exact_deduplication("exact", view=View(base="read")), documents) == {c: a}


STEPS = {
    "exact": exact_deduplication("dedup", view=View(base="read")),
    "minhash": minhash_deduplication("dedup", view=View(base="read")),
    "jaccard": minhash_deduplication("dedup", view=View(base="read"), verify="jaccard"),
}
DOCUMENTS = st.lists(st.integers(0, 5), min_size=1, max_size=12)


@pytest.mark.parametrize("kind", STEPS)
@settings(deadline=None, derandomize=True, max_examples=25)
@given(seeds=DOCUMENTS, num_shards=st.integers(1, 5), shuffling=st.randoms(use_true_random=False))
def test_shards_and_their_order_do_not_change_who_survives(kind, seeds, num_shards, shuffling):
    documents = dict(zip(ids(len(seeds)), map(page, seeds), strict=True))
    shuffled = dict(shuffling.sample(list(documents.items()), len(documents)))
    assert survivors(STEPS[kind], shuffled, num_shards) == survivors(STEPS[kind], documents, num_shards=1)


@pytest.mark.parametrize("kind", STEPS)
@settings(deadline=None, derandomize=True, max_examples=25)
@given(seeds=DOCUMENTS, chosen=st.integers(0, 100))
def test_adding_an_exact_copy_removes_exactly_that_copy(kind, seeds, chosen):
    documents = dict(zip(ids(len(seeds)), map(page, seeds), strict=True))
    before = survivors(STEPS[kind], documents)
    copy_id = bytes([255]) * 16  # last in the order
    original = ids(len(seeds))[chosen % len(seeds)]
    after = survivors(STEPS[kind], {**documents, copy_id: documents[original]})
    assert after == {**before, copy_id: before.get(original, original)}


def lines_gone(step, texts, scores, num_shards, batch_rows):
    """{position: ordinals that go} after carrying the step out on documents dealt to shards, two partitions each."""
    places = [((number % num_shards) << 32) | (number // num_shards) for number in range(len(texts))]
    columns = {
        "text": pa.array(texts, TEXT_TYPE),
        "score": pa.array(scores, pa.float32()),
        "position": pa.array(places, pa.uint64()),
    }
    view = pa.table(columns)
    shards = [view.take(pa.array(range(shard, len(texts), num_shards), pa.int64())) for shard in range(num_shards)]
    make_rows, by_line, decide, by_document, gather = step.nodes
    rows = [batch for shard in shards for batch in make_rows.open()(iter(shard.to_batches(batch_rows)))]
    schema = make_rows.output_schema(view.schema)
    for node, operator in ((by_line, decide), (by_document, gather)):
        table = pa.Table.from_batches(rows, schema)
        schema = operator.output_schema(schema)
        key = table.column(node.key).to_numpy()
        partitions = [exchange(table.filter(pa.array(key % 2 == number)), node) for number in range(2)]
        rows = [batch for rows in partitions for batch in operator.open()(iter(rows.to_batches(batch_rows)))]
    return {row["position"]: row["repeated_lines"] for batch in rows for row in batch.to_pylist()}, places


LINES = ("a b", "A, b!", "c d", "```", "e", "f 1", "f 2", "")


@pytest.mark.parametrize("keep", ["first", "none"])
@settings(deadline=None, derandomize=True, max_examples=60)
@given(
    texts=st.lists(st.lists(st.sampled_from(LINES), max_size=6).map("\n".join), max_size=10),
    scores=st.lists(st.none() | st.sampled_from([0.0, 1.0]), min_size=10, max_size=10),
    num_shards=st.integers(1, 4),
    batch_rows=st.integers(1, 9),
    chunk_units=st.sampled_from([1, 4, 100]),
    min_count=st.integers(2, 4),
)
def test_lines_that_repeat_in_all_documents_go(keep, texts, scores, num_shards, batch_rows, chunk_units, min_count):
    scores = scores[: len(texts)]
    (step,) = line_deduplication(
        "lines", view=View(base="read"), min_words=2, min_count=min_count, keep=keep, order_by=("-score",)
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(line_rows, "CHUNK_UNITS", chunk_units)
        gone, places = lines_gone(step, texts, scores, num_shards, batch_rows)
    order = sorted(range(len(texts)), key=lambda n: (scores[n] is None, -(scores[n] or 0), places[n]))
    expected = repeated(texts, "line", min_words=2, min_count=min_count, keep=keep, order=order)
    assert gone == {places[number]: ordinals for number, ordinals in expected.items()}


def test_line_deduplication_is_one_step_that_writes_columns():
    (step,) = line_deduplication("lines", view=View(base="read", bound=("exact",)), unit="paragraph", min_count=3)
    assert (step.name, step.view) == ("lines", View(base="read", bound=("exact",)))
    assert [operator.name for operator in step.operators] == ["line_rows", "decide_lines", "gather_lines"]
    assert step.operators[0].min_count == step.operators[1].min_count == 3
    assert step.operators[0].unit == step.operators[2].unit == "paragraph"
    assert step.write == default_write(step.nodes) == ArtifactKind.COLUMNS
