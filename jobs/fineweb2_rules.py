"""Prints FineWeb-2's rules for a language as a recipe names them: `python -m jobs.fineweb2_rules configs/fra_Latn.yml`.

The argument is FineWeb-2's own file for the language, of which https://github.com/huggingface/fineweb-2 has some 1,900.
"""

import argparse
from pathlib import Path
from typing import Any, Final

import yaml

from operators.quality.fineweb2_quality import FineWeb2Quality
from operators.text.ngram_statistics import LONG_NGRAM_WORDS, TOP_NGRAM_WORDS
from operators.text.word_unit import WordUnit
from pipeline.errors import PlanError

UNSPACED_SCRIPTS: Final = ("Hani", "Jpan", "Khmr", "Laoo", "Mymr", "Thai", "Tibt")
"""ISO 15924 codes of scripts that put no spaces between words."""

FIELDS: Final = {
    "max_duplicate_line_fraction": "dup_line_frac",
    "min_terminal_line_fraction": "line_punct_thr",
    "max_newlines_per_word": "new_line_ratio",
    "min_mean_word_chars": "min_avg_word_length",
    "max_mean_word_chars": "max_avg_word_length",
    "min_alphabetic_word_fraction": "max_non_alpha_words_ratio",
}
"""Fields that are one key of the file each."""
KEYS: Final = frozenset({*FIELDS.values(), "top_n_grams", "dup_n_grams", "stopwords", "language_score"})


def word_unit_for(language: str) -> WordUnit:
    """The word unit nearest to FineWeb-2's splitter for a language and script such as `fra_Latn`."""
    if language == "cmn_Hani":
        return "jieba"
    return "script" if language.rpartition("_")[2] in UNSPACED_SCRIPTS else "treebank"


def rules_for(language: str, settings: dict[str, Any]) -> tuple[FineWeb2Quality, tuple[str, ...]]:
    """The rule set of a language from what its file says, and stop words of it that no word can equal.

    Raises:
        PlanError: the settings are not those that FineWeb-2's files have.
    """
    if set(settings) != KEYS:
        raise PlanError(f"settings of {language}: expected the keys {sorted(KEYS)}; found {sorted(settings)}")
    unit = word_unit_for(language)
    stop_words: list[str] = settings["stopwords"]
    fields = {field: settings[key] for field, key in FIELDS.items()}
    fields["max_duplicate_line_fraction"] = fields["max_duplicate_line_fraction"] or None  # datatrove: 0 is off
    rules = FineWeb2Quality(
        languages=(language,),
        word_unit=unit,
        allow_other_unit=unit not in FineWeb2Quality.tuned_on,
        max_top_ngram_char_fractions=_in_order(settings["top_n_grams"], TOP_NGRAM_WORDS, "top_n_grams"),
        max_duplicate_ngram_char_fractions=_in_order(settings["dup_n_grams"], LONG_NGRAM_WORDS, "dup_n_grams"),
        stop_words=tuple(word for word in stop_words if word.split() == [word]),
        **fields,
    )
    return rules, tuple(word for word in stop_words if word.split() != [word])


def _in_order(pairs: list[list[float]], expected: tuple[int, ...], key: str) -> Any:  # Any: a tuple of that length
    if tuple(n for n, _ in pairs) != expected:
        raise PlanError(f"{key}: expected limits for n-grams of {list(expected)} words; found {[n for n, _ in pairs]}")
    return tuple(limit for _, limit in pairs)


def recipe_entry(rules: FineWeb2Quality) -> str:
    """The rule set as an entry of a step's `operators`, without fields that have their default."""
    fields = rules.model_dump(mode="json", exclude_defaults=True)
    return yaml.safe_dump([{rules.name: fields}], allow_unicode=True, sort_keys=False, width=110)


def main() -> None:
    """Reads the file, prints the entry and what to know about it."""
    parser = argparse.ArgumentParser(prog="python -m jobs.fineweb2_rules", description=__doc__)
    parser.add_argument("file", type=Path, help="FineWeb-2's file for a language, as configs/fra_Latn.yml")
    path: Path = parser.parse_args().file
    settings = yaml.safe_load(path.read_text(encoding="utf-8"))
    rules, left_out = rules_for(path.stem, settings)
    print(f"# FineWeb-2 keeps documents whose language score is at least {settings['language_score']}.")  # noqa: T201 - the command's output
    print("# Its labels are those of GlotLID; set `languages` to those of your model.")  # noqa: T201 - the command's output
    for word in left_out:
        print(f"# The stop word {word!r} holds whitespace, so it is left out.")  # noqa: T201 - the command's output
    print(recipe_entry(rules), end="")  # noqa: T201 - the command's output


if __name__ == "__main__":
    main()
