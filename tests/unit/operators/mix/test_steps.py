"""How mixing is composed."""

from operators.mix.steps import mix, random_subsets, shuffle
from pipeline.plan.logical import View, default_write


def test_a_mix_is_found_applied_and_what_it_leaves_out_removed():
    view = View(base="tokens", bound=("sizes",))
    budgets, repetitions, chosen = mix("mixed", view=view, parts={"web": {"epochs": 2}}, copies="copies", seed=5)
    assert [step.name for step in (budgets, repetitions, chosen)] == ["mixed.budgets", "mixed.repetitions", "mixed"]
    assert budgets.view == repetitions.view == view
    assert chosen.view == view.binding("mixed.repetitions")
    assert [step.write for step in (budgets, repetitions, chosen)] == [
        default_write(step.nodes) for step in (budgets, repetitions, chosen)
    ]
    assert budgets.operators[0].settings() == repetitions.operators[0].settings()
    assert repetitions.operators[0].mix.uri == "step:mixed.budgets/mix.json"


def test_a_shuffle_is_a_key_and_an_exchange_by_its_ranges():
    view = View(base="tokens", bound=("mixed",))
    keys, shuffled = shuffle("random", view=view, seed=7, columns=("doc_id", "tokens"))
    assert (keys.name, keys.view, keys.write.value) == ("random.keys", view, "columns")
    assert (shuffled.name, shuffled.view, shuffled.write.value) == ("random", view.binding("random.keys"), "documents")
    exchange, rows = shuffled.nodes
    assert (exchange.key, exchange.placement, rows.key) == ("shuffle_key", "range", "shuffle_key")
    assert [key.column for key in exchange.sort] == ["doc_id"]
    assert shuffled.columns == ("doc_id", "tokens")


def test_packed_rows_are_shuffled_by_their_places():
    keys, shuffled = shuffle("random", view=View(base="packed"), of="windows")
    assert keys.operators[0].requires().names == ["position"]
    assert (shuffled.nodes[0].sort, shuffled.write.value) == ((), "table")


def test_subsets_are_found_and_listed():
    cuts, listed = random_subsets("epochs", view=View(base="tokens"), num_epochs=3, share=0.1, size="length")
    assert [step.name for step in (cuts, listed)] == ["epochs.cuts", "epochs"]
    assert [step.write.value for step in (cuts, listed)] == ["model", "table"]
    assert cuts.operators[0].settings() == listed.operators[0].settings()
    assert listed.operators[0].subsets.uri == "step:epochs.cuts/subsets.json"
