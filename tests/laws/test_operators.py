"""What holds for every operator, whatever it does. Rows are drawn; one table gives the operators."""

import json
import os
import pickle
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from operators.catalogue import OPERATORS, catalogue
from pipeline.execution.row_pass import open_alone
from pipeline.execution.windows import windows
from pipeline.fingerprint import fingerprint, operator_identity
from pipeline.format_writer import PART_NAME, FormatWriter
from pipeline.operator import Annotator, Filter, PartitionOperator, ShardOperator, Task, Transform, columns_read
from pipeline.rule_set import RuleSet
from pipeline.rule_values import JudgeValues, RuleValues, what_changes, what_turns_on
from tests.laws.examples import (
    PIECES,
    TEXTS,
    Example,
    cut,
    examples,
    exchanged,
    task_inputs,
    view,
)
from tests.laws.models import unread_models
from tests.laws.trained_models import train_models

ROOT = Path(__file__).parents[2]
TABLE = examples(unread_models())


def named(*kinds):
    return sorted(name for name, example in TABLE.items() if isinstance(example.operator, kinds))


ROW_OPERATORS = named(Annotator, Filter, Transform)
DRAWN = st.lists(st.lists(st.sampled_from(PIECES), max_size=6).map("".join) | st.text(max_size=20), max_size=8)
CUTS = st.lists(st.integers(0, 12), max_size=4).map(tuple)
MODEST = settings(
    max_examples=12, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


class Opened:
    """An example and its function, opened once for all tests: one that kept state between calls would show."""

    def __init__(self, example: Example) -> None:
        self.operator = example.operator
        self.key = example.key
        is_row_operator = isinstance(example.operator, Annotator | Filter | Transform)
        self.call = open_alone(example.operator) if is_row_operator else example.operator.open()

    def rows(self, texts):
        """Rows that the operator may be given: what it requires, and one column that it does not know."""
        batch = view(texts)
        if self.key is not None:
            batch = exchanged(batch, self.key)
        wanted = {*columns_read(self.operator).names, "input_id"}
        if isinstance(self.operator, FormatWriter):
            wanted = set(self.operator.output_schema(batch.schema).names)
        return batch.select([name for name in batch.schema.names if name in wanted])

    def __call__(self, batches):
        """What comes of the batches, as rows that can be compared; NaN equals NaN."""
        if isinstance(self.operator, PartitionOperator | ShardOperator):
            return _values(self.call(iter(batches)))
        if isinstance(self.operator, Annotator) and self.operator.window_rows is not None:
            numbered = ((batch, np.zeros(batch.num_rows, np.uint32)) for batch in batches)
            batches = [batch for batch, _ in windows(numbered, self.operator.window_rows)]
        return [row for batch in batches for row in self._one(batch)]

    def _one(self, batch):
        result = self.call(batch)
        if isinstance(self.operator, Filter):
            return [
                (bool(keep), *(() if keep else (int(rule), repr(float(value)), repr(float(threshold)), survivor)))
                for keep, rule, value, threshold, survivor in zip(
                    result.keep, result.rule, result.value, result.threshold, _survivors(result), strict=True
                )
            ]
        if isinstance(self.operator, Transform):
            edits = zip(_values([result.columns]), result.sizes, strict=True)
            return [(row, repr(sizes.tolist())) for row, sizes in edits]
        return _values([result])


def _survivors(verdicts):
    return [None] * len(verdicts.keep) if verdicts.survivor is None else verdicts.survivor.to_pylist()


def _values(batches):
    return [repr(row) for batch in batches for row in batch.to_pylist()]


@pytest.fixture(scope="module")
def opened(tmp_path_factory):
    models = train_models(tmp_path_factory.mktemp("models"))
    functions = {}

    def open_one(name):
        if name not in functions:
            functions[name] = Opened(examples(models)[name])
        return functions[name]

    return open_one


def test_the_table_has_every_operator_once_under_its_name():
    assert sorted(TABLE) == sorted(catalogue().operators)
    assert all(kind.name == name for name, kind in OPERATORS.items())
    assert {type(example.operator) for example in TABLE.values()} == set(OPERATORS.values())


@pytest.mark.parametrize("name", sorted(TABLE))
def test_the_rows_of_the_table_are_what_is_required(name):
    example = TABLE[name]
    given_types = {field.name: field.type for field in view(TEXTS).schema}
    for field in columns_read(example.operator):
        assert given_types.get(field.name) == field.type, field.name
    assert (example.key is not None) == isinstance(example.operator, PartitionOperator)


@pytest.mark.parametrize("name", named(Filter))
def test_the_fixed_rows_are_kept_and_dropped(opened, name):
    """Otherwise the laws below would say little about a filter."""
    assert {row[0] for row in opened(name)([opened(name).rows(TEXTS)])} == {True, False}


@pytest.mark.parametrize("name", ROW_OPERATORS)
@MODEST
@given(texts=DRAWN, cuts=CUTS)
def test_splitting_a_batch_changes_no_row(opened, name, texts, cuts):
    one = opened(name)
    batch = one.rows(texts)
    whole = one([batch])
    assert len(whole) == batch.num_rows
    assert one(cut(batch, cuts)) == whole
    assert one(cut(batch, tuple(range(batch.num_rows)))) == whole


@pytest.mark.parametrize("name", ROW_OPERATORS)
def test_order_changes_no_row(opened, name):
    one = opened(name)
    batch = one.rows(TEXTS)
    turned = batch.take(pa.array(np.arange(batch.num_rows)[::-1]))
    assert one([turned]) == one([batch])[::-1]


@pytest.mark.parametrize("name", named(PartitionOperator))
@MODEST
@given(texts=st.lists(st.sampled_from([*TEXTS, "The ", "Then", "x"]), max_size=24), cuts=CUTS)
def test_how_a_partition_is_cut_changes_nothing(opened, name, texts, cuts):
    one = opened(name)
    batch = one.rows(texts)
    whole = one([batch])
    assert one(cut(batch, cuts)) == whole
    assert one(cut(batch, tuple(range(batch.num_rows)))) == whole


@pytest.mark.parametrize("name", named(ShardOperator))
@MODEST
@given(texts=DRAWN, cuts=CUTS)
def test_how_a_shard_arrives_changes_nothing(opened, name, texts, cuts):
    one = opened(name)
    batch = one.rows(texts)
    whole = one([batch])
    assert one(cut(batch, cuts)) == whole
    assert one(cut(batch, tuple(range(batch.num_rows)))) == whole


@pytest.mark.parametrize("name", [name for name in named(ShardOperator) if TABLE[name].operator.conserves()])
@MODEST
@given(texts=DRAWN)
def test_what_a_shard_operator_declares_is_conserved(opened, name, texts):
    one = opened(name)
    declared = one.operator.conserves()
    batch = one.rows(texts)
    out = pa.Table.from_batches(one.call(iter([batch])), one.operator.output_schema(batch.schema))
    came, left, was_cut = (
        sum(column.to_pylist()) for column in (batch[declared[0]], out[declared[1]], out[declared[2]])
    )
    assert came == left + was_cut


FORMAT_WRITERS = named(FormatWriter)


def files_of(call, batches):
    """What a writer leaves, by name."""
    with TemporaryDirectory() as folder:
        call(iter(batches), Path(folder))
        return {path.name: path.read_bytes() for path in Path(folder).iterdir()}


@pytest.mark.parametrize("name", FORMAT_WRITERS)
@MODEST
@given(texts=DRAWN, cuts=CUTS)
def test_how_a_shard_arrives_changes_no_byte_of_its_files(opened, name, texts, cuts):
    one = opened(name)
    batch = one.rows(texts)
    whole = files_of(one.call, [batch])
    assert files_of(one.call, cut(batch, cuts)) == whole
    assert files_of(one.call, cut(batch, tuple(range(batch.num_rows)))) == whole


@pytest.mark.parametrize("name", FORMAT_WRITERS)
@MODEST
@given(texts=DRAWN)
def test_what_a_format_writer_conserves_is_found_in_its_files(opened, name, texts):
    one = opened(name)
    batch = one.rows(texts)
    with TemporaryDirectory() as folder:
        one.call(iter([batch]), Path(folder))
        assert one.operator.amount_in(Path(folder)) == sum(batch[one.operator.conserves()].to_pylist())


@pytest.mark.parametrize("name", FORMAT_WRITERS)
def test_names_of_a_dataset_differ_by_shard_and_file(opened, name):
    one = opened(name)
    files = files_of(one.call, [one.rows(TEXTS)])
    names = [one.operator.dataset_name(shard, 3, file) for shard in range(3) for file in files if file != PART_NAME]
    assert len(names) == len(set(names)) >= 3


@pytest.mark.parametrize("name", FORMAT_WRITERS)
def test_a_writer_leaves_a_shard_without_rows(opened, name):
    one = opened(name)
    nothing = files_of(one.call, [])
    assert files_of(one.call, [one.rows(())]) == nothing


@pytest.mark.parametrize("name", ROW_OPERATORS)
@MODEST
@given(texts=DRAWN)
def test_the_declared_result_is_the_real_one(opened, name, texts):
    one = opened(name)
    batch = one.rows(texts)
    result = one.call(batch)
    if isinstance(one.operator, Annotator):
        _check_batch(result, one.operator.adds())
        assert one.operator.output_schema(batch.schema) == pa.schema([*batch.schema, *one.operator.adds()])
    elif isinstance(one.operator, Filter):
        shapes = [result.keep.dtype, result.rule.dtype, result.value.dtype, result.threshold.dtype]
        assert shapes == [np.bool_, np.int16, np.float64, np.float64]
        dropped = result.rule[~result.keep]
        assert ((dropped >= 0) & (dropped < len(one.operator.rules()))).all()
        assert len(set(one.operator.rules())) == len(one.operator.rules())
        assert one.operator.output_schema(batch.schema) == batch.schema
    else:
        replaced = [field for field in batch.schema if field.name in one.operator.replaces()]
        _check_batch(result.columns, pa.schema(replaced))
        assert result.sizes.dtype == np.float64
        assert result.sizes.shape == (batch.num_rows, len(one.operator.rules()))
        assert (result.sizes >= 0).all()


@pytest.mark.parametrize("name", named(PartitionOperator, ShardOperator))
@pytest.mark.parametrize("texts", [TEXTS, TEXTS[:1], ()])
def test_the_declared_schema_is_the_real_one(opened, name, texts):
    one = opened(name)
    batch = one.rows(texts)
    for result in one.call(iter([batch])):
        _check_batch(result, one.operator.output_schema(batch.schema))


def _check_batch(batch, schema):
    batch.validate(full=True)
    assert batch.schema.equals(schema)
    for field, column in zip(schema, batch.columns, strict=True):
        assert field.nullable or column.null_count == 0, field.name


@pytest.mark.parametrize("name", named(Annotator, Filter, Transform, PartitionOperator, ShardOperator))
def test_nothing_in_nothing_out(opened, name):
    one = opened(name)
    assert one([one.rows(())]) == []
    if isinstance(one.operator, PartitionOperator | ShardOperator):
        assert one([]) == []


@pytest.mark.parametrize("name", named(Annotator, Filter, Transform, PartitionOperator, ShardOperator))
def test_rows_that_are_given_stay_as_they_are(opened, name):
    one = opened(name)
    batch = one.rows(TEXTS)
    before = batch.to_pylist()
    one([batch])
    assert batch.to_pylist() == before
    if isinstance(one.operator, Annotator):
        assert not set(one.operator.adds().names) & set(batch.schema.names)


@pytest.mark.parametrize("name", named(Filter))
@MODEST
@given(texts=DRAWN.map(lambda drawn: [*drawn, *TEXTS]))
def test_what_a_filter_kept_it_keeps_again(opened, name, texts):
    one = opened(name)
    batch = one.rows(texts)
    kept = batch.filter(pa.array(one.call(batch).keep))
    assert kept.num_rows
    assert one.call(kept).keep.all()


@pytest.mark.parametrize("name", sorted(TABLE))
def test_an_operator_is_a_value(name):
    operator = TABLE[name].operator
    there = pickle.loads(pickle.dumps(operator))
    assert there == operator
    assert hash(there) == hash(operator)
    assert operator_identity(there, {}) == operator_identity(operator, {})
    dumped = operator.model_dump(mode="json")
    assert type(operator).model_validate(dumped).model_dump(mode="json") == dumped


def test_identities_are_the_same_in_another_process():
    script = (
        "import json; from tests.laws.examples import examples; from tests.laws.models import unread_models; "
        "from pipeline.fingerprint import operator_identity, fingerprint; "
        "print(json.dumps({name: fingerprint(operator_identity(example.operator, {})) "
        "for name, example in examples(unread_models()).items()}))"
    )
    here = {name: fingerprint(operator_identity(example.operator, {})) for name, example in TABLE.items()}
    environment = {**os.environ, "PYTHONHASHSEED": "4242", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout) == here
    assert len(set(here.values())) == len(here)


# Rule sets: measured once, judged as often as one likes

RULE_SETS = named(RuleSet)


def moved_limits(rule_set):
    """The rule set with one field changed at a time, where that moves limits and nothing else."""
    for field, value in rule_set:
        for other in _other_values(value):
            try:
                moved = type(rule_set).model_validate({**dict(rule_set), field: other})
            except ValidationError:
                continue
            if moved.limits() != rule_set.limits() and what_changes(rule_set, moved) is None:
                yield moved


def _other_values(value):
    if isinstance(value, bool) or not isinstance(value, int | float | tuple | dict):
        return
    if isinstance(value, tuple):
        changes = [[next(_other_values(item), item) for item in value]]
        yield from (tuple(changed) for changed in changes if tuple(changed) != value)
    elif isinstance(value, dict):
        yield {key: next(_other_values(item), item) for key, item in value.items()}
    else:
        yield from (type(value)(value * factor) for factor in (0.5, 0.9, 2))


@pytest.mark.parametrize("name", RULE_SETS)
def test_a_field_that_moves_a_limit_moves_no_value(opened, name):
    rule_set = opened(name).operator
    batch = opened(name).rows(TEXTS)
    measured = open_alone(RuleValues(rule_set=rule_set))(batch)
    moved = list(moved_limits(rule_set))
    assert moved
    for other in moved:
        assert open_alone(RuleValues(rule_set=other))(batch) == measured, other


@pytest.mark.parametrize("name", RULE_SETS)
def test_a_rule_that_is_off_is_measured_all_the_same_or_not_at_all(opened, name):
    """So values tell by themselves whether it may be turned on when they are judged."""
    rule_set = opened(name).operator
    batch = opened(name).rows(TEXTS)
    measured = open_alone(RuleValues(rule_set=rule_set))(batch)
    for other in turned_off(rule_set):
        values = open_alone(RuleValues(rule_set=other))(batch)
        for column in values.schema.names:
            assert values[column].null_count == len(values) or values[column] == measured[column], (other, column)


def turned_off(rule_set):
    """The rule set with a rule off that was on, by one field that holds numbers."""
    for field, value in rule_set:
        for other in (None, not value) if isinstance(value, bool) else (None,):
            try:
                changed = type(rule_set).model_validate({**dict(rule_set), field: other})
            except ValidationError:
                continue
            if what_turns_on(changed, rule_set) and what_changes(rule_set, changed) is None:
                yield changed


@pytest.mark.parametrize("name", RULE_SETS)
def test_values_judged_later_give_the_verdicts_of_the_filter(opened, name):
    rule_set = opened(name).operator
    batch = opened(name).rows(TEXTS)
    measured = open_alone(RuleValues(rule_set=rule_set))(batch)
    for other in (rule_set, *moved_limits(rule_set)):
        direct, later = open_alone(other)(batch), open_alone(JudgeValues(rule_set=other))(measured)
        for field in ("keep", "rule", "value", "threshold"):
            np.testing.assert_array_equal(getattr(direct, field), getattr(later, field))


@pytest.mark.parametrize("name", [name for name in RULE_SETS if TABLE[name].operator.leading() is not None])
def test_leading_rules_say_what_the_rule_set_says_first(opened, name):
    rule_set = opened(name).operator
    batch = opened(name).rows([*TEXTS, "", "a b\n\na b\n\nc", "line\nline\nother"])
    for other in (rule_set, *moved_limits(rule_set)):
        first, whole = open_alone(other.leading())(batch), open_alone(other)(batch)
        gone = ~first.keep
        assert gone.any() or other != rule_set
        assert not whole.keep[gone].any()
        for field in ("rule", "value", "threshold"):
            np.testing.assert_array_equal(getattr(first, field)[gone], getattr(whole, field)[gone])
        later = first.keep & ~whole.keep
        assert (whole.rule[later] >= len(other.leading().limits())).all()


@pytest.mark.parametrize("name", RULE_SETS)
def test_a_rule_set_judges_by_its_limits_alone(name):
    """Otherwise values and limits would not tell its verdicts."""
    kind = type(TABLE[name].operator)
    assert (kind.open, kind.rules, kind.open_values) == (RuleSet.open, RuleSet.rules, RuleSet.open_values)


# Tasks: whole artifacts in, one artifact out


def run_task(operator, batch, folder, cuts=()):
    """What the task yielded, by shard, and the files that it left."""
    folder.mkdir()
    produced = list(operator.open()(task_inputs(batch, folder, cuts)))
    assert [shard for shard, _ in produced] == sorted(shard for shard, _ in produced)
    for _, part in produced:
        _check_batch(part, operator.output_schema(pa.schema([])))
    rows = [(shard, row) for shard, part in produced for row in _values([part])]
    return rows, {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@pytest.mark.parametrize("name", named(Task))
@settings(max_examples=4, deadline=None, derandomize=True)
@given(cuts=CUTS)
def test_how_rows_reach_a_task_changes_nothing(opened, tmp_path_factory, name, cuts):
    folder = tmp_path_factory.mktemp("task")
    operator, batch = opened(name).operator, view(TEXTS)
    whole = run_task(operator, batch, folder / "whole")
    assert run_task(operator, batch, folder / "cut", cuts) == whole
    rows, files = whole
    assert (bool(rows), bool(files)) == {"model": (False, True)}.get(operator.produces, (True, False))
    if operator.produces == "columns":
        assert len(rows) == batch.num_rows
