"""How steps are cut into segments and stages, as text that a review can read."""

from itertools import pairwise

import pytest

from pipeline.operator import Resources
from pipeline.plan.check import check_recipe
from pipeline.plan.logical import ArtifactKind, Exchange, Layout, Recipe, Repeat, Step, View
from pipeline.plan.stages import fuse, partition_count, plan_segments
from tests.unit.pipeline.plan.test_check import BEFORE
from tests.unit.pipeline.plan.test_derivation import AtMost
from tests.unit.pipeline.sample_operators import (
    SOURCE_SCHEMA,
    CountKeys,
    FirstRows,
    KeepFirst,
    LowerKey,
    MinChars,
    ModelScore,
    NumChars,
    RankInKey,
    Shout,
    TotalChars,
)

EXCHANGE = Exchange(key="key")
GPU = Resources(num_gpus=1)


def printed(*nodes, write, bound=("keys",), **fields):
    step = Step(name="s", view=View(base="documents", bound=bound), nodes=nodes, write=ArtifactKind(write), **fields)
    checked = check_recipe(Recipe(name="r", steps=(*BEFORE, step)), {"web": SOURCE_SCHEMA})["s"]
    lines = []
    for segment in plan_segments(checked, num_partitions=3, num_base_shards=5):
        stages = " | ".join(
            "+".join(operator.name for operator in stage.operators) + (" (GPU)" if stage.resources.num_gpus else "")
            for stage in segment.stages
        )
        to = segment.partitioning
        end = "artifact" if to is None else f"{to.key} x{to.num_partitions} {','.join(to.schema.names)}"
        kind = "task " if segment.is_task else ""
        again = segment.closes
        repeats = "" if again is None else f"; again from {again.first} while any {again.while_any}"
        lines.append(f"{segment.index}: {kind}{stages} -> {end}{repeats}")
        assert to is None or (to.exchange is None) == (to.key == "position")
    return lines


SNAPSHOTS = {
    "rows": (
        printed(NumChars(), MinChars(), Shout(), FirstRows(), write="documents"),
        ["0: num_chars+min_chars+shout+first_rows -> artifact"],
    ),
    "copy": (printed(write="documents"), ["0:  -> artifact"]),
    "resources change": (
        printed(NumChars(), MinChars(), Shout(), write="documents", resources={"min_chars": GPU}),
        ["0: num_chars | min_chars (GPU) | shout -> artifact"],
    ),
    "equal resources under other names": (
        printed(NumChars(), MinChars(), Shout(), write="documents", resources={"num_chars": GPU, "min_chars": GPU}),
        ["0: num_chars+min_chars (GPU) | shout -> artifact"],
    ),
    "shard operator on its own": (
        printed(NumChars(), FirstRows(), write="documents", resources={"first_rows": GPU}),
        ["0: num_chars | first_rows (GPU) -> artifact"],
    ),
    "annotate": (printed(NumChars(), ModelScore(), write="columns"), ["0: num_chars+model_score -> artifact"]),
    "removals come home": (
        printed(EXCHANGE, KeepFirst(), write="removals"),
        [
            "0:  -> key x3 doc_id,key,position",
            "1: keep_first -> position x5 position,rule,value,threshold,survivor",
            "2:  -> artifact",
        ],
    ),
    "columns come home": (
        printed(EXCHANGE, RankInKey(), write="columns"),
        ["0:  -> key x3 key,position", "1: rank_in_key -> position x5 position,rank", "2:  -> artifact"],
    ),
    "table": (
        printed(FirstRows(), EXCHANGE, CountKeys(), write="table"),
        ["0: first_rows -> key x3 key,position", "1: count_keys -> artifact"],
    ),
    "two exchanges": (
        printed(EXCHANGE, CountKeys(), EXCHANGE, CountKeys(), write="table"),
        ["0:  -> key x3 key,position", "1: count_keys -> key x3 key", "2: count_keys -> artifact"],
    ),
    "rounds": (
        printed(Repeat(nodes=(EXCHANGE, LowerKey()), while_any="lowered"), CountKeys(), write="table"),
        [
            "0:  -> key x3 key,position",
            "1: lower_key -> key x3 key,position; again from 1 while any lowered",
            "2: count_keys -> artifact",
        ],
    ),
    "rounds of several exchanges": (
        printed(
            EXCHANGE,
            LowerKey(),
            Repeat(nodes=(EXCHANGE, LowerKey(), EXCHANGE, LowerKey()), while_any="lowered"),
            RankInKey(),
            write="columns",
        ),
        [
            "0:  -> key x3 key,position",
            "1: lower_key -> key x3 key,position",
            "2: lower_key -> key x3 key,position",
            "3: lower_key -> key x3 key,position; again from 2 while any lowered",
            "4: rank_in_key -> position x5 position,rank",
            "5:  -> artifact",
        ],
    ),
    "task": (printed(TotalChars(), write="model"), ["0: task total_chars -> artifact"]),
}


@pytest.mark.parametrize("name", SNAPSHOTS)
def test_segments(name):
    found, expected = SNAPSHOTS[name]
    assert found == expected


def test_fusing_loses_no_operator_and_keeps_their_order():
    operators = (NumChars(), MinChars(), Shout(), ModelScore(), FirstRows())
    step = Step(name="s", nodes=operators, write=ArtifactKind.DOCUMENTS, resources={"shout": GPU})
    stages = fuse(step, step.labelled)
    assert tuple(operator for stage in stages for operator in stage.operators) == operators
    assert all(left.resources != right.resources for left, right in pairwise(stages))


def stages_of(*operators, **resources):
    step = Step(name="s", nodes=operators, write=ArtifactKind.DOCUMENTS, resources=resources)
    stages = fuse(step, step.labelled)
    return [(len(stage.operators), stage.resources.num_gpus, stage.is_fed) for stage in stages]


def test_a_gpu_is_fed_with_what_its_operators_derive_from():
    rules = AtMost(letter="a")
    assert stages_of(rules) == [(1, 0, False)]
    assert stages_of(rules, at_most=GPU) == [(0, 0, False), (1, 1, True)]
    assert stages_of(NumChars(), rules, at_most=GPU) == [(1, 0, False), (1, 1, True)]
    assert stages_of(NumChars(), rules, num_chars=Resources(num_gpus=0.5), at_most=GPU) == [
        (1, 0.5, False), (0, 0, False), (1, 1, True),
    ]  # fmt: skip
    assert stages_of(Shout(), rules, shout=GPU, at_most=GPU) == [(2, 1, False)], "the text changes on the GPU"


@pytest.mark.parametrize(("num_bytes", "count"), [(0, 1), (1, 1), (4096, 1), (4097, 2), (40_960, 10)])
def test_partitions_follow_the_data(num_bytes, count):
    assert partition_count(num_bytes, Layout(partition_bytes=4096)) == count
