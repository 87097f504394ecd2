"""The exception tree is what callers catch."""

import pickle

import pytest

from pipeline import errors

KINDS = {
    "PlanError": ValueError,
    "SchemaError": TypeError,
    "StorageError": OSError,
    "OperatorError": Exception,
    "CommitError": Exception,
    "BudgetError": Exception,
    "MemoryLimitError": MemoryError,
    "RunnerError": Exception,
}


def test_the_tree_is_complete_and_drawn():
    there = {name for name, kind in vars(errors).items() if isinstance(kind, type) and kind is not errors.PipelineError}
    assert there == {*KINDS, "FallBackNeeded"}
    for name in there:
        assert name in (errors.__doc__ or "")


@pytest.mark.parametrize("name", KINDS)
def test_each_error_is_one_of_ours_and_a_fitting_builtin(name):
    kind = getattr(errors, name)
    assert issubclass(kind, errors.PipelineError)
    assert issubclass(kind, KINDS[name])


@pytest.mark.parametrize("name", KINDS)
def test_errors_cross_processes_with_message_and_notes(name):
    error = getattr(errors, name)("where: expected this; found that")
    error.add_note("step documents, unit 3")
    there = pickle.loads(pickle.dumps(error))
    assert (type(there), str(there)) == (type(error), str(error))
    assert there.__notes__ == ["step documents, unit 3"]


def test_a_call_for_a_fallback_crosses_processes_with_all_that_it_says():
    error = errors.FallBackNeeded("tokenize", "other ids than the reference", "shard row 7")
    error.add_note("step tokens, unit 3")
    there = pickle.loads(pickle.dumps(error))
    assert isinstance(there, errors.PipelineError)
    assert (there.operator, there.reason, there.detail) == ("tokenize", "other ids than the reference", "shard row 7")
    assert str(there) == "operator tokenize: asks for its fallback: other ids than the reference (shard row 7)"
    assert there.__notes__ == ["step tokens, unit 3"]
