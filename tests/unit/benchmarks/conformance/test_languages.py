from benchmarks.conformance.languages import NUM_CHARS, RECIPE, Judged, keep_rates, over_samples, report, shown
from operators.catalogue import catalogue
from pipeline.recipe import load_recipe

KEPT = Judged("php_docs", "zh", "正文\n第二行 | x", None, None, None)
DROPPED = Judged("php_docs", "zh", "短", "too_few_words", 3.0, 50.0)


def test_rates_count_what_stays_and_what_drops_the_others():
    *_, row = keep_rates([KEPT, KEPT, KEPT, DROPPED])
    assert row == "| php_docs | zh | 4 | 75% | too_few_words 1 |"


def test_a_document_is_shown_on_one_line_and_not_much_of_it():
    assert shown(KEPT) == "- php_docs: `正文 第二行 ¦ x`"
    assert shown(DROPPED) == "- php_docs: too_few_words 3, limit 50: `短`"
    assert len(shown(Judged("a", "zh", "字" * 1000, None, None, None))) < NUM_CHARS + 10


def test_the_page_has_both_sides_of_every_language():
    lines = list(report([KEPT, DROPPED]))
    assert lines[lines.index("## zh: dropped") + 2] == shown(DROPPED)
    assert lines[lines.index("## zh: kept") + 2] == shown(KEPT)
    assert sum(line.startswith("## ") for line in lines) == 12


def test_the_recipe_reads_the_samples_instead_of_its_sources(tmp_path):
    recipe = over_samples(load_recipe(RECIPE, catalogue()), tmp_path)
    assert recipe.steps[0].view.sources == tuple(recipe.sources)
    assert all(str(tmp_path) in path for source in recipe.sources.values() for path in source.paths)
