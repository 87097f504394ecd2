"""An answer is read exactly or refused: real answers, and what models write instead."""

import json
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from operators.dataman.answers import IS_RATED, Status, parse_answer, rating_columns
from operators.dataman.criteria import CRITERIA, DOMAINS, LINES, rating_fields

ANNOTATIONS = Path(__file__).parents[5] / "shared" / "vectors" / "dataman_annotations.jsonl"
ANSWER = "J\n5\n5\n5\n4\n4\n5\n5\n4\n5\n5\n4\n4\n5\n3"
MODES = st.sampled_from(sorted(LINES))
LINE = st.sampled_from(
    [*DOMAINS, *"0123456789", "", " ", "P", "j", "A.", "5/5", "4.0", "-1", "五", "\u0665", "²", "05"]
)


def test_an_answer_by_hand():
    values = parse_answer(ANSWER, "all_rating")
    assert values == {
        "domain": "Culture",
        **dict(zip(CRITERIA, [5, 5, 5, 4, 4, 5, 5, 4, 5, 5, 4, 4, 5, 3], strict=True)),
    }
    assert parse_answer("4", "score_only") == {"overall_score": 4}
    assert parse_answer("H", "domain_only") == {"domain": "Coding"}


@pytest.mark.parametrize("answer", [f"\n{ANSWER}\n", ANSWER.replace("\n", " \n "), ANSWER.replace("\n", "\r\n")])
def test_white_space_around_lines_does_not_count(answer):
    assert parse_answer(answer, "all_rating") == parse_answer(ANSWER, "all_rating")


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "J",
        ANSWER[:-2],
        f"{ANSWER}\n5",
        ANSWER.replace("\n", "\n\n", 1),
        ANSWER.replace("J", "P"),
        ANSWER.replace("J", "j"),
        ANSWER.replace("J", "5"),
        ANSWER.replace("J", "J Culture"),
        f"{ANSWER[:-1]}0",
        f"{ANSWER[:-1]}6",
        f"{ANSWER[:-1]}3.0",
        f"{ANSWER[:-1]}3/5",
        f"{ANSWER[:-1]}\u0665",
        ANSWER.replace("\n", " "),
        ANSWER.replace("\n", "\x0b"),
    ],
)
def test_anything_else_is_refused(answer):
    assert parse_answer(answer, "all_rating") is None


@given(st.lists(LINE, max_size=17), MODES)
def test_what_is_read_can_be_written_again(lines, mode):
    values = parse_answer("\n".join(lines), mode)
    if values is None:
        return
    letters = {name: letter for letter, name in DOMAINS.items()}
    written = [letters.get(value, str(value)) if isinstance(value, str) else str(value) for value in values.values()]
    assert written == "\n".join(lines).strip().split("\n")


@given(st.text(alphabet=st.sampled_from("AJOP05126\n \t\r\x85\u2028x")), MODES)
def test_any_text_is_read_or_refused(answer, mode):
    values = parse_answer(answer, mode)
    if values is not None:
        assert tuple(values) == LINES[mode]
        for name, value in values.items():
            assert value in DOMAINS.values() if name == "domain" else value in range(1, 6)


@given(st.lists(st.sampled_from("12345"), min_size=14, max_size=14), st.sampled_from(sorted(DOMAINS)))
def test_every_good_answer_is_read(ratings, letter):
    values = parse_answer("\n".join([letter, *ratings]), "all_rating")
    assert values == {"domain": DOMAINS[letter], **dict(zip(CRITERIA, map(int, ratings), strict=True))}


@pytest.mark.skipif(not ANNOTATIONS.exists(), reason="needs ../shared/vectors")
def test_real_answers():
    rows = [json.loads(line) for line in ANNOTATIONS.read_text(encoding="utf-8").splitlines()]
    assert len(rows) == 135
    for row in rows:
        values = parse_answer(row["raw_output"], "all_rating")
        assert (values is not None) == row["valid"]
        if values is not None:
            assert values["domain"] == DOMAINS[row["application_domain"]]
            assert [values[name] for name in CRITERIA] == [row[name] for name in CRITERIA]
    assert sum(row["valid"] for row in rows) == 134


def test_columns_are_typed_and_null_where_there_is_no_answer():
    columns = rating_columns([parse_answer(ANSWER, "all_rating"), None], "all_rating")
    batch = pa.record_batch(columns, schema=pa.schema(rating_fields("all_rating")))
    assert batch.column("dataman_domain").to_pylist() == ["Culture", None]
    assert batch.column("dataman_overall_score") == pa.array([3, None], pa.int8())
    assert all(column.null_count == 1 for column in batch.columns)


def test_ratings_go_with_two_statuses_alone():
    assert {Status("ok"), Status("truncated")} == IS_RATED
