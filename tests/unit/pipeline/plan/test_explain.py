"""What the plan says of operators."""

from operators.dedup.minhash import MinHashSignature
from pipeline.operator import Resources
from pipeline.plan.check import check_recipe
from pipeline.plan.explain import describe_operator, describe_step
from pipeline.plan.logical import ArtifactKind, Recipe, Step, View
from pipeline.plan.stages import plan_segments
from pipeline.rule_values import RuleValues
from tests.unit.pipeline.plan.test_check import BEFORE
from tests.unit.pipeline.plan.test_derivation import AtMost
from tests.unit.pipeline.sample_operators import SOURCE_SCHEMA, MinChars, NumChars


def described(*nodes, **resources):
    step = Step(name="s", view=View(base="documents"), nodes=nodes, write=ArtifactKind.COLUMNS, resources=resources)
    checked = check_recipe(Recipe(name="r", steps=(*BEFORE, step)), {"web": SOURCE_SCHEMA})["s"]
    return describe_step(checked, list(plan_segments(checked, num_partitions=3, num_base_shards=5)))


def test_notes_of_operators_stand_under_their_stage():
    signature = MinHashSignature(num_bands=20, rows_per_band=5)
    lines = described(NumChars(), signature)
    at = next(index for index, line in enumerate(lines) if line.startswith("  stage "))
    assert lines[at].endswith("minhash_signature(num_bands=20, rows_per_band=5)")
    assert lines[at + 1 : at + 4] == [f"      {note}" for note in signature.notes()]
    assert "0.50 0.470, 0.55 " in lines[at + 2]
    assert lines[at + 4].startswith("  write columns of documents")


def test_operators_without_notes_add_no_line():
    assert len(described(NumChars())) == 3


def test_a_stage_shows_what_it_feeds_the_next_one_with():
    on_gpu = Resources(num_gpus=1)
    rules = RuleValues(rule_set=AtMost(letter="a"))
    (fed,) = (line for line in described(rules, **{rules.title: on_gpu}) if "counts" in line)
    assert fed == "  stage [1 cpu] counts(letters=['a'])"


def test_fields_that_differ_from_their_defaults_are_shown():
    assert describe_operator(MinChars(min_chars=7)) == "min_chars(min_chars=7)"
    assert describe_operator(MinHashSignature()) == "minhash_signature"
