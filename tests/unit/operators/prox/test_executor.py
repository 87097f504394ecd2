import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from operators.prox.execution_rules import ExecutionRules
from operators.prox.executor import PARSERS, drops_document, execute
from operators.prox.programs import ChunkProgram
from tests.prox_programs import check_execution

VECTORS = Path(__file__).parents[5] / "shared" / "vectors"
STRICT = ExecutionRules()
PUBLISHED = ExecutionRules(mode="published")
MENU = "Home > News > Sport"
PROSE = [f"Sentence {number} of some prose that stays, with commas, signs = and (brackets)." for number in range(4)]
FOOTER = "Copyright by nobody at all"
TEXT = "\n".join([MENU, *PROSE, FOOTER])


def whole(program, text=TEXT, *, is_cut=False):
    return [ChunkProgram(0, text.count("\n"), program, is_cut)]


def vectors(name):
    path = VECTORS / name
    if not path.exists():
        pytest.skip(f"the vectors of the released code are not there: {path.name}")
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_every_text_is_that_of_the_released_executor():
    documents = [row["text"] for row in vectors("dataman_annotations.jsonl")]
    rows = vectors("prox_executor_oracle.jsonl")
    for row in rows:
        text = row["text"] if "text" in row else documents[row["text_ref"]]
        rules = ExecutionRules(
            mode="published",
            min_left_fraction=row["threshold_1"],
            max_removed_fraction=row["threshold_2"],
            max_errors=row["error_op"] - 1,
        )
        found = execute(text, whole(row["program"], text), rules)
        is_dropped = found.is_emptied or found.num_judged < rules.min_words
        is_edited = found.text != text
        expected = row["expected"]
        assert ("" if is_dropped else found.text) == expected["final"], row["name"]
        assert found.num_errors == expected["num_error_op"], row["name"]
        outcome = "dropped" if is_dropped else "edited" if is_edited else "unchanged"
        assert outcome == expected["outcome"], row["name"]
        lenient = rules.model_copy(update={"max_errors": 1000})
        assert execute(text, whole(row["program"], text), lenient).text == expected["processed"], row["name"]
        replaced = PARSERS["published"](row["program"]).replacements
        sources = [pair[0] for pair in expected["normalization_pairs"] if pair[0] not in ("", " ")]
        assert [pair.source for pair in replaced if pair.source not in ("", " ")] == sources, row["name"]
    assert len(rows) > 100


def test_the_paper_s_pairs_keep_what_they_should():
    """In both modes: the prompts' programs need none of what the released parser gets wrong."""
    num_pairs = 0
    for row in vectors("prox_paper_examples.jsonl"):
        if not row.get("expected_kept_lines"):
            continue
        num_pairs += 1
        first = row["numbered_lines"][0][0]
        text = "\n".join([*(f"line {number}" for number in range(first)), *(line for _, line in row["numbered_lines"])])
        last = text.count("\n")
        for rules in (STRICT, PUBLISHED):
            found = execute(text, [ChunkProgram(first, last, row["program"])], rules).text.split("\n")[first:]
            assert found == [line for _, line in row["expected_kept_lines"]], row["name"]
    assert num_pairs >= 5


@pytest.mark.parametrize("rules", [STRICT, PUBLISHED])
def test_lines_go_by_number_and_replacements_come_first(rules):
    program = (
        'remove_lines(start=0, end=0)\nnormalize(source_str="prose", target_str="text")\nremove_lines(start=5, end=5)'
    )
    found = execute(TEXT, whole(program), rules)
    assert found.text == "\n".join(PROSE).replace("prose", "text")
    assert (found.num_removed_lines, found.num_replaced, found.num_errors, found.num_void) == (2, 4, 0, 0)
    assert found.num_words == len(TEXT.split())
    assert found.num_left == found.num_judged == len(found.text.split())
    assert not found.is_emptied


def test_two_errors_void_the_program_but_one_does_not():
    once = "remove_lines(start=0, end=0)\nremove_lines(start="
    assert execute(TEXT, whole(once), STRICT).text == TEXT.partition("\n")[2]
    void = execute(TEXT, whole(once + "\nremove_lines(start="), STRICT)
    assert (void.text, void.num_errors, void.num_void, void.num_removed_lines) == (TEXT, 2, 1, 0)
    lenient = STRICT.model_copy(update={"max_errors": 2})
    assert execute(TEXT, whole(once + "\nremove_lines(start="), lenient).num_void == 0


def test_one_chunk_s_errors_void_another_s_edits_only_with_one_verdict():
    chunks = [ChunkProgram(0, 2, "remove_lines(start=0, end=0)"), ChunkProgram(3, 5, "remove_lines(\nremove_lines(")]
    found = execute(TEXT, chunks, STRICT)
    assert (found.num_removed_lines, found.num_void, found.num_errors) == (1, 1, 2)
    together = execute(TEXT, chunks, STRICT.model_copy(update={"verdict_on": "document"}))
    assert (together.text, together.num_void, together.num_errors) == (TEXT, 1, 2)


def test_a_chunk_reaches_no_other_line():
    program = 'remove_lines(start=3, end=5)\nnormalize(source_str="prose", target_str="text")'
    found = execute(TEXT, [ChunkProgram(1, 3, program)], STRICT)
    assert found.text.split("\n") == [MENU, *(line.replace("prose", "text") for line in PROSE[:2]), PROSE[3], FOOTER]
    assert found.num_errors == 1
    found = execute(TEXT, [ChunkProgram(1, 3, program)], PUBLISHED)
    assert found.text.split("\n") == [MENU, *(line.replace("prose", "text") for line in PROSE[:2])]
    assert found.num_errors == 0


def test_the_last_line_of_a_cut_program_goes():
    program = 'remove_lines(start=0, end=0)\nnormalize(source_str="prose'
    assert execute(TEXT, whole(program, is_cut=True), STRICT).num_errors == 0
    assert execute(TEXT, whole(program), STRICT).num_errors == 1
    assert "pros" not in execute(TEXT, whole(program, is_cut=True), PUBLISHED).text  # as released


def test_over_deletion():
    text = "\n".join(["word " * 95, "five words are left here"])
    for rules in (STRICT, PUBLISHED):
        assert execute(text, whole("remove_lines(start=0, end=0)", text), rules).is_emptied
    more = text + " now"
    assert not execute(more, whole("remove_lines(start=0, end=0)", more), STRICT).is_emptied
    careful = STRICT.model_copy(update={"min_left_fraction": 0.5})
    assert execute(more, whole("remove_lines(start=0, end=0)", more), careful).text == more


def test_void_edits_still_make_a_document_too_short_where_it_is_judged_as_one():
    text = "\n".join(["word " * 20, "six words are left here now"])
    program = "remove_lines(start=0, end=0)\nremove_lines(x)\nremove_lines(y)"
    assert execute(text, whole(program, text), PUBLISHED).num_judged == 6
    assert execute(text, whole(program, text), STRICT).num_judged == 26


def test_replacements_cannot_explode():
    text = "a" * 100
    program = "\n".join(['normalize("a", "aaaaaaaaaa")'] * 30)
    for rules in (STRICT, PUBLISHED):
        assert execute(text, whole(program, text), rules).text == text
    assert execute(text, whole('normalize("a", "aa")', text), STRICT).text == "a" * 200


@pytest.mark.parametrize("rules", [STRICT, PUBLISHED])
def test_huge_intervals_cost_nothing(rules):
    found = execute(TEXT, whole(f"remove_lines(start=5, end={'9' * 30})"), rules)
    assert found.text == TEXT.rpartition("\n")[0]
    assert found.num_errors == 1


def test_another_text_is_refused():
    with pytest.raises(ValueError, match="expected a text with a line 6; found 6 lines; execute them before"):
        execute(TEXT, [ChunkProgram(0, 6, "keep_chunk()")], STRICT)


def test_empty_texts_have_no_words_to_lose():
    assert not execute("", [], STRICT).is_emptied
    assert execute("", [], PUBLISHED).num_judged == 0


@pytest.mark.parametrize(
    ("program", "strict", "published"),
    [("drop_doc()", True, True), (" drop_doc()\n", True, True), ("d r o p", False, True), ("I drop it", False, True),
     ("keep_doc()", False, False), ("", False, False), (None, False, False)],
)  # fmt: skip
def test_document_programs(program, strict, published):
    assert drops_document(program, STRICT) == strict
    assert drops_document(program, PUBLISHED) == published


@given(st.data())
@settings(max_examples=500, deadline=None)
def test_no_program_does_more_than_it_may(data):
    check_execution(data)
