import sys

import pytest
import yaml

from jobs.fineweb2_rules import main, recipe_entry, rules_for, word_unit_for
from operators.catalogue import catalogue
from operators.quality.fineweb2_quality import MANDARIN_STOP_WORDS, FineWeb2Quality
from pipeline.errors import PlanError

MANDARIN = {
    "dup_line_frac": 0.287,
    "dup_n_grams": [[5, 0.198], [6, 0.182], [7, 0.167], [8, 0.154], [9, 0.14], [10, 0.127]],
    "language_score": 0.692,
    "line_punct_thr": 0.106,
    "max_avg_word_length": 5,
    "max_non_alpha_words_ratio": 0.735,
    "min_avg_word_length": 1,
    "new_line_ratio": 0.178,
    "stopwords": list(MANDARIN_STOP_WORDS),
    "top_n_grams": [[2, 0.256], [3, 0.201], [4, 0.171]],
}
"""configs/cmn_Hani.yml of huggingface/fineweb-2."""


def test_the_file_of_mandarin_says_what_the_defaults_are():
    rules, left_out = rules_for("cmn_Hani", MANDARIN)
    assert rules == FineWeb2Quality(languages=("cmn_Hani",))
    assert left_out == ()


def test_another_language_is_an_entry_that_recipes_read_as_the_same_rules():
    settings = MANDARIN | {"stopwords": ["no", "de la", "la"], "dup_line_frac": 0, "max_avg_word_length": 11}
    rules, left_out = rules_for("spa_Latn", settings)
    assert rules.word_unit == "treebank"
    assert rules.max_duplicate_line_fraction is None
    assert left_out == ("de la",)
    ((name, fields),) = yaml.safe_load(recipe_entry(rules))[0].items()
    assert catalogue().operators[name].model_validate(fields) == rules
    assert fields["stop_words"] == ["no", "la"]


@pytest.mark.parametrize(
    ("language", "unit"),
    [
        ("cmn_Hani", "jieba"),
        ("yue_Hani", "script"),
        ("jpn_Jpan", "script"),
        ("tha_Thai", "script"),
        ("rus_Cyrl", "treebank"),
    ],
)
def test_word_units_follow_the_script(language, unit):
    assert word_unit_for(language) == unit


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"line_punct_thr": 0.1}, "settings of fra_Latn: expected the keys"),
        (MANDARIN | {"top_n_grams": [[2, 0.1], [4, 0.1]]}, "top_n_grams: expected limits for n-grams of \\[2, 3, 4\\]"),
    ],
)
def test_other_files_are_refused(settings, message):
    with pytest.raises(PlanError, match=message):
        rules_for("fra_Latn", settings)


def test_the_command_prints_the_entry(tmp_path, monkeypatch, capsys):
    path = tmp_path / "cmn_Hani.yml"
    path.write_text(yaml.safe_dump(MANDARIN | {"stopwords": ["的", "། །"]}, allow_unicode=True), encoding="utf-8")
    monkeypatch.setattr(sys, "argv", ["fineweb2_rules", str(path)])
    main()
    printed = capsys.readouterr().out
    assert "# FineWeb-2 keeps documents whose language score is at least 0.692." in printed
    assert "# The stop word '། །' holds whitespace, so it is left out." in printed
    assert yaml.safe_load(printed) == [{"fineweb2_quality": {"languages": ["cmn_Hani"], "stop_words": ["的"]}}]
