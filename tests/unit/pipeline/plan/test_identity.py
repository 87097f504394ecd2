"""What changes a fingerprint, and what must not."""

from dataclasses import replace

import pytest

from pipeline.io.splits import InputShard, Split
from pipeline.io.storage import InputFile
from pipeline.operator import FileRef, Resources
from pipeline.plan import identity as identity_module
from pipeline.plan.check import check_recipe
from pipeline.plan.identity import identify_step, is_hardware, with_checksums
from pipeline.plan.logical import ArtifactKind, Exchange, Layout, Recipe, SortKey, Source, Step, View
from tests.unit.pipeline.sample_operators import (
    SOURCE_SCHEMA,
    AddKey,
    ByFile,
    CountKeys,
    KeepFirst,
    MinChars,
    ModelScore,
    NumChars,
    SumTables,
    TotalChars,
)

WEB = Source(paths=("data/*.jsonl",))
FILES = tuple(InputFile("web", f"/data/{name}.jsonl", f"{name}.jsonl", 100, f"digest-{name}") for name in "abc")
SHARDS = tuple(
    InputShard(index, (Split(file, "jsonl", 0, None, whole=True, estimated_bytes=100),))
    for index, file in enumerate(FILES)
)

DOCUMENTS = Step(name="documents", view=View(sources=("web",)), nodes=(NumChars(),), write=ArtifactKind.DOCUMENTS)
SCORES = Step(name="scores", view=View(base="documents"), nodes=(ModelScore(),), write=ArtifactKind.COLUMNS)
KEYS = Step(name="keys", view=View(base="documents"), nodes=(AddKey(),), write=ArtifactKind.COLUMNS)
ONCE = Step(
    name="once",
    view=View(base="documents", bound=("keys",)),
    nodes=(Exchange(key="key"), KeepFirst()),
    write=ArtifactKind.REMOVALS,
)
COUNTS = Step(
    name="counts",
    view=View(base="documents", bound=("keys",)),
    nodes=(Exchange(key="key"), CountKeys()),
    write=ArtifactKind.TABLE,
)
SUMS = Step(name="sums", tables=("counts",), nodes=(SumTables(),), write=ArtifactKind.TABLE)
MODEL = Step(
    name="model", view=View(base="documents", bound=("once",)), nodes=(TotalChars(),), write=ArtifactKind.MODEL
)
CHOSEN = Step(
    name="chosen",
    view=View(base="documents", bound=("once", "scores")),
    nodes=(ByFile(words=FileRef(uri="step:model/total.txt")),),
    write=ArtifactKind.DOCUMENTS,
)
STEPS = (DOCUMENTS, SCORES, KEYS, ONCE, COUNTS, SUMS, MODEL, CHOSEN)


def identify(*changed, layout=None, num_partitions=4, source=WEB, shards=SHARDS, checksums=None):
    """{step: identity} of STEPS, with some replaced by others of the same name."""
    by_name = {step.name: step for step in STEPS} | {step.name: step for step in changed}
    schema = SOURCE_SCHEMA
    checked = check_recipe(Recipe(name="r", steps=tuple(by_name.values())), {"web": schema})
    found = {}
    for name, one in checked.items():
        found[name] = identify_step(
            one,
            found,
            layout=layout or Layout(),
            num_partitions=num_partitions,
            sources={"web": source},
            input_shards=shards if one.step.view.sources else (),
        )
        if checksums and is_hardware(one):
            found[name] = with_checksums(found[name], checksums)
    return found


def changed_steps(found):
    before = identify()
    return {name for name in before if found[name].fingerprint != before[name].fingerprint}


READ_KEYS = Step(name="read_keys", view=View(sources=("web",)), nodes=(AddKey(),), write=ArtifactKind.COLUMNS)
READ_ONCE = Step(
    name="read_once",
    view=View(sources=("web",), bound=("read_keys",)),
    nodes=(Exchange(key="key"), KeepFirst()),
    write=ArtifactKind.REMOVALS,
)
READ_CHOSEN = Step(
    name="read_chosen", view=View(sources=("web",), bound=("read_keys",)), nodes=(), write=ArtifactKind.DOCUMENTS
)
OVER_SOURCES = (READ_KEYS, READ_ONCE, READ_CHOSEN)


def test_what_belongs_to_sources_has_their_shards_and_follows_each_of_them():
    before = identify(*OVER_SOURCES)
    after = identify(*OVER_SOURCES, shards=with_first_split(file=replace(FILES[0], digest="other")))
    changed = {
        step.name: [before[step.name].shards[i] != after[step.name].shards[i] for i in range(3)]
        for step in OVER_SOURCES
    }
    assert changed == {
        "read_keys": [True, False, False],
        "read_once": [True, True, True],
        "read_chosen": [True, False, False],
    }
    other = identify(edit(READ_KEYS, nodes=(AddKey(), NumChars())), READ_ONCE, READ_CHOSEN)
    assert all(other[name].fingerprint != before[name].fingerprint for name in changed)


def with_first_split(**fields):
    """SHARDS, the first one's split changed."""
    return (replace(SHARDS[0], splits=(replace(SHARDS[0].splits[0], **fields),)), *SHARDS[1:])


def edit(step, **fields):
    return step.model_copy(update=fields)


def test_shards_of_each_kind_of_artifact():
    found = identify()
    shards = {name: one.num_shards for name, one in found.items()}
    assert shards == {
        "documents": 3, "scores": 3, "keys": 3, "once": 3, "counts": 4, "sums": 1, "model": 1, "chosen": 3
    }  # fmt: skip
    every = [shard for one in found.values() for shard in one.shards]
    assert len(set(every)) == len(every)


def test_the_same_recipe_has_the_same_fingerprints():
    assert identify() == identify()


EVERYTHING = {step.name for step in STEPS}
AFTER_KEYS = {"keys", "once", "counts", "sums", "model", "chosen"}

COUNTS_AS_CHANGE = {
    "an operator's field": ({"changed": (edit(DOCUMENTS, nodes=(NumChars(column="length"),)),)}, EVERYTHING),
    "an operator more": ({"changed": (edit(DOCUMENTS, nodes=(NumChars(), MinChars())),)}, EVERYTHING),
    "a field far down": ({"changed": (edit(SCORES, nodes=(ModelScore(fails_on="x"),)),)}, {"scores", "chosen"}),
    "sort keys": (
        {"changed": (edit(ONCE, nodes=(Exchange(key="key", sort=(SortKey(column="num_chars"),)), KeepFirst())),)},
        {"once", "model", "chosen"},
    ),
    "what is bound": (
        {"changed": (edit(CHOSEN, view=View(base="documents", bound=("once",))),)},
        {"chosen"},
    ),
    "the order of bound": (
        {"changed": (edit(CHOSEN, view=View(base="documents", bound=("scores", "once"))),)},
        {"chosen"},
    ),
    "columns chosen": ({"changed": (edit(CHOSEN, columns=("text",)),)}, {"chosen"}),
    "row-group rows": ({"layout": Layout(row_group_rows=1)}, EVERYTHING),
    "row-group bytes": ({"layout": Layout(row_group_bytes=1024)}, EVERYTHING),
    "compression level": ({"layout": Layout(zstd_level=4)}, EVERYTHING),
    "examples that are kept": ({"layout": Layout(examples_per_rule=1)}, EVERYTHING),
    "partitions": ({"num_partitions": 5}, {"once", "counts", "sums", "model", "chosen"}),
    "the source's text column": ({"source": WEB.model_copy(update={"text_column": "body"})}, EVERYTHING),
    "the source's ids": ({"source": WEB.model_copy(update={"id_from": "column"})}, EVERYTHING),
    "an input file's content": (
        {"shards": with_first_split(file=replace(FILES[0], digest="new"))},
        EVERYTHING,
    ),
    "an input file less": ({"shards": SHARDS[:2]}, EVERYTHING),
    "where a split ends": (
        {"shards": with_first_split(end=50)},
        EVERYTHING,
    ),
    "committed scores": ({"checksums": ("a", "b", "c")}, {"scores", "chosen"}),
}


@pytest.mark.parametrize("case", COUNTS_AS_CHANGE)
def test_what_makes_the_result_changes_it_and_what_depends_on_it(case):
    arguments, expected = COUNTS_AS_CHANGE[case]
    arguments = dict(arguments)
    assert changed_steps(identify(*arguments.pop("changed", ()), **arguments)) == expected


CHANGES_NOTHING = {
    "time-outs": {"changed": (edit(DOCUMENTS, timeout_seconds={"num_chars": 3}, unit_timeout_seconds=60),)},
    "resources": {"changed": (edit(DOCUMENTS, resources={"num_chars": Resources(num_cpus=8, num_gpus=1)}),)},
    "a spelled-out default": {"changed": (edit(DOCUMENTS, nodes=(NumChars(column="num_chars", fails_on=None),)),)},
    "the size that shards aim at": {"layout": Layout(shard_bytes=4096)},
    "the size that partitions aim at": {"layout": Layout(partition_bytes=4096)},
    "patterns that find the same files": {"source": WEB.model_copy(update={"paths": ("data/[abc].jsonl",)})},
    "the root": {"source": WEB.model_copy(update={"root": "data"})},
    "where the files lie": {
        "shards": tuple(
            replace(
                shard, splits=tuple(replace(split, file=replace(split.file, path="/moved")) for split in shard.splits)
            )
            for shard in SHARDS
        )
    },
    "estimates": {
        "shards": tuple(
            replace(shard, splits=tuple(replace(split, estimated_bytes=1) for split in shard.splits))
            for shard in SHARDS
        )
    },
}


@pytest.mark.parametrize("case", CHANGES_NOTHING)
def test_how_it_is_carried_out_changes_nothing(case):
    arguments = dict(CHANGES_NOTHING[case])
    assert changed_steps(identify(*arguments.pop("changed", ()), **arguments)) == set()


def test_the_writers_version_changes_everything(monkeypatch):
    monkeypatch.setattr(identity_module, "WRITER_VERSION", 99)
    found = identify()
    monkeypatch.undo()
    assert changed_steps(found) == EVERYTHING


def test_the_exchanges_version_changes_what_goes_through_one(monkeypatch):
    monkeypatch.setattr(identity_module, "EXCHANGE_VERSION", 99)
    found = identify()
    monkeypatch.undo()
    assert changed_steps(found) == {"once", "counts", "sums", "model", "chosen"}


def test_a_changed_file_changes_its_own_shards_only():
    file = replace(FILES[1], digest="new")
    shards = (SHARDS[0], replace(SHARDS[1], splits=(replace(SHARDS[1].splits[0], file=file),)), SHARDS[2])
    before, after = identify(), identify(shards=shards)
    for name in ("documents", "keys", "scores"):
        same = [a == b for a, b in zip(before[name].shards, after[name].shards, strict=True)]
        assert same == [True, False, True], name
    for name in ("once", "counts", "model"):  # behind an exchange everything depends on everything
        assert not set(before[name].shards) & set(after[name].shards), name


def test_a_file_of_a_step_counts_through_that_steps_fingerprint():
    other = edit(MODEL, view=View(base="documents"))
    assert changed_steps(identify(other)) == {"model", "chosen"}


def test_only_hardware_steps_are_their_bytes():
    checked = check_recipe(Recipe(name="r", steps=STEPS), {"web": SOURCE_SCHEMA})
    assert {name for name, one in checked.items() if is_hardware(one)} == {"scores"}


def test_checksums_reach_each_shard():
    scores = identify()["scores"]
    one, other = with_checksums(scores, ("a", "b", "c")), with_checksums(scores, ("a", "x", "c"))
    assert [a == b for a, b in zip(one.shards, other.shards, strict=True)] == [True, False, True]
    assert one.fingerprint != other.fingerprint
    assert not set(one.shards) & set(scores.shards)
    with pytest.raises(ValueError, match="zip"):
        with_checksums(scores, ("a", "b"))


def test_shards_behind_a_base_are_those_of_their_tables():
    behind = Step(
        name="behind",
        view=View(base="documents", bound=("keys",), against=("counts",)),
        write=ArtifactKind.TABLE,
        columns=("doc_id",),
    )
    counts = COUNTS.model_copy(update={"name": "counts", "nodes": (), "columns": ("doc_id",)})
    found = identify(counts, SUMS.model_copy(update={"tables": ("counts",)}), behind)
    before, after = found["documents"].num_shards, found["counts"].num_shards
    assert found["behind"].num_shards == before + after
    assert len(set(found["behind"].shards)) == before + after
    other = identify(counts, behind, layout=None, source=WEB.model_copy(update={"text_column": "body"}))
    assert not set(other["behind"].shards) & set(found["behind"].shards)
