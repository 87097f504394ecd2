"""Writes what MAP-NEO's own code makes of texts. README.md says how to run it."""

import io
import json
import sys
import types
from itertools import islice
from pathlib import Path
from typing import Any

import xxhash
import zstandard

HERE = Path(__file__).parent
DATA = Path(__file__).parents[4] / "shared" / "data" / "text"
DOCUMENTS = {"lctt_linuxcn/part-00002.jsonl.zst": 60, "php_docs/part-00001.jsonl.zst": 20}
"""How many documents of each file of the shared data are compared, by a digest of their text."""

pipeline = Path(sys.argv[1]) / "Matrix" / "chinese_data_clean_pipeline"
sys.path[:0] = [str(pipeline / "filter"), str(pipeline / "deduplication" / "simlar_line_dedup")]
sys.modules["fasttext"] = types.ModuleType("fasttext")  # imported, and needed for the language only

import edit_distance_dedup  # noqa: E402
import filter as rules  # noqa: E402

RULES = {
    "bracket ratio": "too_much_in_brackets",
    "Number of senteces less than 1": "too_few_sentences",
    "Hash tag ratios exceeding 0.1": "too_many_hashes",
    "Ellipsis ratios exceeding 0.1": "too_many_ellipses",
    "Digit over non_punctuation words": "too_many_digits",
    "Lines ending with readmore etc.": "too_many_folded_lines",
    "Line starting with bullet point": "too_many_bullet_lines",
    "Punctuation ratio": "no_punctuation",
    "Unique words fraction": "too_few_distinct_chars",
    "Entropy of unigram distribution": "entropy_too_low",
    **{f"characters in the top word {n}gram": f"top_{n}_char_ngram" for n in (2, 3, 4)},
    **{f"characters in duplicate word {n}grams": f"duplicate_{n}_char_ngrams" for n in range(5, 11)},
}
TWO_SIDED = {
    "Word count less than 50 or larger than 10000": (50, "too_few_chars", "too_many_chars"),
    "Mean word length less than 1.3 or larger than 10": (1.3, "words_too_short", "words_too_long"),
}


def broken_rule(text: str) -> tuple[str, float] | None:
    """The first rule that a text breaks, by our name, and its value."""
    for judge in (rules.unify_format, rules.self_defined_rules, lambda t: rules.duplicates_rules({"raw_content": t})):
        result = judge(text)
        if not result[0]:
            ((message, value),) = result[-1].items()
            if message in TWO_SIDED:
                limit, below, above = TWO_SIDED[message]
                return (below if value < limit else above), value
            return RULES[message], value
    return None


def without_links(text: str) -> str:
    never = types.SimpleNamespace(search=lambda _: False)
    return rules.url_filter({"raw_content": text, "url": ""}, never)[1]


def kept_lines(text: str) -> str:
    return "\n".join(line for line in text.split("\n") if rules.linewise_filter(line, "/dev/null")[0])


def half_width(text: str) -> str:
    """The text as `unify_format` leaves it, whatever its share in brackets: character by character."""
    return "".join(rules.unify_format(character)[1] for character in text)


def outcome(text: str) -> dict[str, Any]:
    judged = without_links(half_width(text))
    return {
        "half_width": half_width(text),
        "without_links": judged,
        "lines": kept_lines(judged),
        "similar": edit_distance_dedup.dedup_text(judged, 0.1) if len(judged) < 1_500 else None,
        "broken": broken_rule(judged) if judged else None,
        "ngrams": [rules.count_ngram_duplicates(judged, n) for n in range(2, 11)],
    }


def digested(found: dict[str, Any]) -> dict[str, Any]:
    return {
        name: xxhash.xxh64_hexdigest(value.encode()) if isinstance(value, str) else value
        for name, value in found.items()
    }


def documents(name: str, num_documents: int) -> list[str]:
    with (DATA / name).open("rb") as file, zstandard.ZstdDecompressor().stream_reader(file) as stream:
        return [json.loads(line)["text"] for line in islice(io.TextIOWrapper(stream, "utf-8"), num_documents)]


def main() -> None:
    texts = json.loads((HERE / "texts.json").read_text())
    rows = [{"text": text, **outcome(text)} for text in texts]
    (HERE / "expected.jsonl").write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    if DATA.is_dir():
        found = {name: [digested(outcome(text)) for text in documents(name, n)] for name, n in DOCUMENTS.items()}
        (HERE / "documents.json").write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
