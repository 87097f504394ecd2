"""How parts by perplexity are composed, and what comes of a recipe that does so."""

from pathlib import Path

import pyarrow.parquet as pq

from operators.catalogue import catalogue
from operators.perplexity.kenlm_perplexity import LanguageModel
from operators.perplexity.steps import perplexity_buckets
from pipeline.operator import FileRef
from pipeline.plan.logical import View, default_write
from pipeline.recipe import load_recipe
from pipeline.run import run_recipe
from tests.perplexity_models import write_arpa, write_sentencepiece

RECIPE = """
name: parts
sources:
  web: {paths: [docs.jsonl]}
steps:
  - name: documents
    read: [web]
    operators:
      - language_id
  - name: parts
    base: documents
    perplexity_buckets:
      models:
        en: {model: en.arpa, sentencepiece: en.model}
"""


def test_three_steps_over_one_base():
    model = LanguageModel(model=FileRef(uri="en.arpa"), sentencepiece=FileRef(uri="en.model"))
    steps = perplexity_buckets("parts", view=View(base="read"), models={"en": model}, head_percent=20)
    scores, cutoffs, parts = steps
    assert [step.name for step in steps] == ["parts.scores", "parts.cutoffs", "parts"]
    assert cutoffs.view == parts.view == View(base="read", bound=("parts.scores",))
    assert [step.write for step in steps] == [default_write(step.nodes) for step in steps]
    assert parts.parents == ("read", "parts.scores", "parts.cutoffs")
    assert (cutoffs.operators[0].head_percent, cutoffs.operators[0].middle_percent) == (20, 60)
    assert scores.operators[0].models == {"en": model}


def test_a_recipe_pins_the_models_and_parts_the_documents(tmp_path: Path):
    write_arpa(tmp_path / "en.arpa")
    write_sentencepiece(tmp_path / "en.model")
    ending = ["ab", "ab ab", "abba", "zebra", "xyz"]
    texts = [f"The members of the committee have read the plan and agreed with it. {word}" for word in ending]
    (tmp_path / "docs.jsonl").write_text("".join(f'{{"text": "{text}"}}\n' for text in texts))
    (tmp_path / "parts.yaml").write_text(RECIPE)
    recipe = load_recipe(tmp_path / "parts.yaml", catalogue())
    output = tmp_path / "out"
    run_recipe(recipe, output, directory=tmp_path)
    folders = {path.name.rsplit("-", 1)[0]: path for path in (output / "steps").iterdir()}
    scores = pq.read_table(folders["parts.scores"] / "data").to_pydict()
    buckets = pq.read_table(folders["parts"] / "data").column("perplexity_bucket").to_pylist()
    order = sorted(range(len(texts)), key=scores["perplexity"].__getitem__)
    assert [buckets[place] for place in order] == ["head", "head", "middle", "tail", "tail"]
