"""The quickstart shows something of everything, gives the same bytes on both runners, and can make its models again."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pyarrow.dataset as ds
import pytest

from jobs.examples import removed_examples
from jobs.packed_text import first_packed_text
from jobs.quickstart_models import MODELS, SHIPPED, make_models
from operators.catalogue import catalogue
from pipeline.artifact import DATA, Manifest
from pipeline.execution.prepare import PreparedRecipe, prepare
from pipeline.execution.runner import Runner
from pipeline.io.reading import read_record
from pipeline.recipe import load_recipe
from pipeline.run import Run, run_recipe
from tests.builds import tree_digest

QUICKSTART = SHIPPED.parent / "quickstart.yaml"
LANGUAGES = {"de", "en", "es", "fr", "pt", "ru"}


@pytest.fixture(scope="module")
def prepared() -> PreparedRecipe:
    return prepare(load_recipe(QUICKSTART, catalogue()), QUICKSTART.parent)


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The local build; nobody writes there."""
    recipe = load_recipe(QUICKSTART, catalogue())
    return run_recipe(recipe, tmp_path_factory.mktemp("quickstart") / "out", directory=QUICKSTART.parent)


def data_of(manifest: Manifest) -> ds.Dataset:
    return ds.dataset([path for shard in range(len(manifest.shards)) if (path := manifest.path(shard, DATA))])


def test_something_of_everything(local: Run):
    funnel = local.funnel
    assert funnel.rows_in == 4170
    assert funnel.rows_in == funnel.rows_kept + funnel.rows_dropped
    assert funnel.rows_quarantined == funnel.damaged_files == 0
    rules = {rule: rows for step in funnel.steps for rule, rows in step.rules.items()}
    by_operator = Counter(rule.split("/")[0] for rule in rules)
    assert by_operator["gopher_quality"] >= 3
    assert by_operator["gopher_repetition"] >= 3
    assert rules["drop_duplicates/drop/exact_duplicate"] >= 10
    assert rules["drop_near_duplicates/drop/near_duplicate"] >= 10
    assert rules["score_filter/drop/low_score"] >= 100
    assert funnel.rows_kept >= 500
    assert len(local.manifests["documents"].shards) >= 5


def test_documents_of_all_languages_arrive(local: Run):
    languages = data_of(local.manifests["documents"]).to_table(columns=["doc_id", "language"]).to_pylist()
    arrived = set(data_of(local.manifests["tokens"]).to_table(columns=["doc_id"])["doc_id"].to_pylist())
    assert {row["language"] for row in languages if row["doc_id"] in arrived} == LANGUAGES


def test_what_a_newcomer_is_shown(prepared: PreparedRecipe, local: Run):
    examples = removed_examples(local.manifests)
    assert len(examples) == 3
    assert examples[-1].rule == "near_duplicate"
    packed = first_packed_text(prepared.recipe, local.manifests)
    assert packed is not None
    assert len(packed.lines) == 5


@pytest.mark.ray
def test_the_same_bytes_on_ray(local: Run, tmp_path: Path, make_ray_runner: Callable[..., Runner]):
    recipe = load_recipe(QUICKSTART, catalogue())
    run_recipe(recipe, tmp_path / "out", directory=QUICKSTART.parent, runner=make_ray_runner(workers=2))
    assert tree_digest(tmp_path / "out") == tree_digest(local.output)


def test_the_shipped_models_are_those_that_the_recipe_makes(tmp_path: Path):
    made = make_models(tmp_path / "out", tmp_path)
    assert {path.name for path in made} == set(MODELS.values())
    for path in made:
        assert path.read_bytes() == (SHIPPED / path.name).read_bytes(), f"{path.name}: run `make quickstart-models`"


def test_every_document_states_its_licence():
    licences = {"public-domain/CC0-1.0", "CC-BY-3.0", "CC-BY-4.0"}
    recipe = load_recipe(QUICKSTART, catalogue())
    for source in recipe.sources.values():
        record = read_record(
            str(QUICKSTART.parent / source.paths[0]), "jsonl", 0, source.max_document_bytes, source.max_expansion
        )
        assert record["license"] in licences
