"""What the values of a recipe know about themselves."""

import pytest
from pydantic import ValidationError

from pipeline.operator import FileRef, Resources
from pipeline.plan.logical import ArtifactKind, Exchange, Recipe, Repeat, SortKey, Step, View
from tests.unit.pipeline.sample_operators import AddKey, ByFile, CountKeys, LowerKey, MinChars, NumChars


def test_sort_keys_are_written_as_words():
    assert SortKey.model_validate("-num_chars") == SortKey(column="num_chars", descending=True)
    assert SortKey.model_validate("doc_id") == SortKey(column="doc_id")
    assert Exchange.model_validate({"key": "key", "sort": ["-a", "b"]}).sort == (
        SortKey(column="a", descending=True),
        SortKey(column="b"),
    )


def test_an_exchange_in_order_of_arrival_sorts_nothing():
    with pytest.raises(ValueError, match="order: arrival sorts nothing, so sort must be empty"):
        Exchange(key="key", order="arrival", sort=(SortKey(column="a"),))


def test_parents_are_all_that_a_step_reads_each_once():
    step = Step(
        name="s",
        view=View(base="documents", bound=("scores", "once")),
        tables=("edges", "once"),
        nodes=(ByFile(words=FileRef(uri="step:model/a"), more=FileRef(uri="step:scores/b")), MinChars()),
        write=ArtifactKind.REMOVALS,
    )
    assert step.parents == ("documents", "scores", "once", "edges", "model")
    assert Step(name="s", view=View(sources=("web",)), write=ArtifactKind.DOCUMENTS).parents == ()
    lists = (FileRef(uri="step:model/a"), FileRef(uri="b"), FileRef(uri="step:words/c"))
    operator = ByFile(words=FileRef(uri="w"), lists=lists)
    assert Step(name="s", nodes=(operator,), write=ArtifactKind.REMOVALS).parents == ("model", "words")


@pytest.mark.parametrize("origin", [{"base": "documents"}, {"sources": ("web", "books")}])
def test_binding_keeps_what_a_view_has(origin):
    view = View(**origin, bound=("once",))
    assert view.binding("scores", "near") == View(**origin, bound=("once", "scores", "near"))
    assert view.binding() == view


def test_operators_are_the_nodes_without_exchanges():
    step = Step(name="s", nodes=(AddKey(), Exchange(key="key"), MinChars()), write=ArtifactKind.REMOVALS)
    assert step.operators == (AddKey(), MinChars())


def test_a_recipe_overrides_resources_by_name():
    step = Step(name="s", write=ArtifactKind.COLUMNS, resources={"num_chars": Resources(num_cpus=4)})
    assert step.resources_of(NumChars(), "num_chars") == Resources(num_cpus=4)
    assert step.resources_of(MinChars(), "min_chars") == Resources()


def test_an_operator_that_stands_twice_has_labels_and_resources_of_its_own():
    twice = (NumChars(), MinChars(), MinChars(min_chars=3), Exchange(key="key"), MinChars())
    wanted = {"min_chars": Resources(num_cpus=2), "min_chars#3": Resources(num_cpus=3)}
    step = Step(name="s", nodes=twice, write=ArtifactKind.DOCUMENTS, resources=wanted)
    assert step.labels == ("num_chars", "min_chars", "min_chars#2", "min_chars#3")
    assert [step.resources_of(operator, label).num_cpus for label, operator in step.labelled] == [1, 2, 2, 3]


def test_an_unknown_step_lists_the_steps():
    step = Step(name="a", view=View(base="b"), write=ArtifactKind.DOCUMENTS)
    recipe = Recipe(name="r", steps=(step,))
    assert recipe.step("a") is step
    with pytest.raises(KeyError, match=r"no step 'b'; steps: \['a'\]"):
        recipe.step("b")


@pytest.mark.parametrize("name", ["", "A", "a b", "a/b", "a.", ".a", "../a", "1a", "a\n"])
def test_names_become_folders_so_they_are_plain(name):
    with pytest.raises(ValueError, match="name"):
        Step(name=name, write=ArtifactKind.DOCUMENTS)


@pytest.mark.parametrize(
    "nodes",
    [
        (),
        (Exchange(key="key"),),
        (LowerKey(),),
        (LowerKey(), Exchange(key="key")),
        (Exchange(key="key"), LowerKey(), Exchange(key="key")),
    ],
)
def test_a_round_is_exchanges_and_partition_operators_by_turns(nodes):
    with pytest.raises(ValidationError, match=r"at least 2 items|by turns|PartitionOperator"):
        Repeat(nodes=nodes, while_any="lowered")


def test_a_repeat_is_one_round_and_the_exchange_by_which_rows_leave_it():
    exchange = Exchange(key="key")
    repeat = Repeat(nodes=(exchange, LowerKey()), while_any="lowered")
    step = Step(name="s", nodes=(repeat, CountKeys()), write=ArtifactKind.TABLE)
    assert step.unrolled == (exchange, LowerKey(), exchange, CountKeys())
    assert step.operators == (LowerKey(), CountKeys())


def test_time_outs_are_by_label_or_for_all_of_a_title():
    twice = (NumChars(), NumChars(column="again"), MinChars())
    step = Step(name="s", nodes=twice, write=ArtifactKind.DOCUMENTS, timeout_seconds={"num_chars": 5, "num_chars#2": 9})
    assert step.timeouts_of(step.operators, step.labels) == {"num_chars": 5, "num_chars#2": 9}
    step = step.model_copy(update={"timeout_seconds": {"num_chars": 5}})
    assert step.timeouts_of(step.operators, step.labels) == {"num_chars": 5, "num_chars#2": 5}
    assert step.timeouts_of(step.operators[2:], step.labels[2:]) == {}
