"""What the first packed window says."""

from jobs.packed_text import first_packed_text
from pipeline.execution.prepare import PreparedRecipe
from pipeline.run import Run
from tests.unit.jobs.conftest import TEXTS


def test_the_window_is_decoded_by_a_tokenizer_of_the_same_recipe(prepared: PreparedRecipe, finished: Run):
    packed = first_packed_text(prepared.recipe, finished.manifests)
    assert packed is not None
    assert packed.step == "packed"
    assert 0 < packed.num_tokens <= 64
    assert len(packed.ids) == 12
    said = "\n".join(packed.lines)
    assert any(part in said for part in ("It is told that", TEXTS["other"][:20]))


def test_lines_and_ids_are_limited(prepared: PreparedRecipe, finished: Run):
    packed = first_packed_text(prepared.recipe, finished.manifests, num_lines=1, num_ids=3)
    assert packed is not None
    assert (len(packed.lines), len(packed.ids)) == (1, 3)


def test_nothing_is_said_where_nothing_is_packed(prepared: PreparedRecipe, finished: Run):
    manifests = {name: manifest for name, manifest in finished.manifests.items() if name != "packed"}
    assert first_packed_text(prepared.recipe, manifests) is None


def test_nothing_is_said_where_tokens_came_from_elsewhere(prepared: PreparedRecipe, finished: Run):
    steps = tuple(
        step if step.name != "tokens" else step.model_copy(update={"nodes": ()}) for step in prepared.recipe.steps
    )
    assert first_packed_text(prepared.recipe.model_copy(update={"steps": steps}), finished.manifests) is None
