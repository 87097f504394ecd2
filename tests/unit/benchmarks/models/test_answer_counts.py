"""What the end-to-end benchmark takes for an answer, for a flag, and for neither."""

import pytest

from benchmarks.models.answer_counts import Programs, count_chunk_programs, count_doc_programs, count_ratings
from operators.dataman.criteria import CRITERIA


def rating_row(status, rating, domain):
    return {**{f"dataman_{name}": rating for name in CRITERIA}, "dataman_domain": domain, "dataman_status": status}


def chunk(program, is_cut=False):
    return {"first_line": 0, "last_line": 0, "program": program, "is_cut": is_cut}


def test_rated_and_flagged_documents_are_counted_apart():
    rows = [rating_row("ok", 1, "Law"), rating_row("truncated", 5, "Other"), rating_row("low_mass", None, None)]
    assert count_ratings(rows) == (2, 1)


@pytest.mark.parametrize(
    "row",
    [
        rating_row("ok", None, None),
        rating_row("ok", 6, "Law"),
        rating_row("ok", 3, "Cooking"),
        rating_row("malformed", 3, None),
        rating_row("malformed", None, "Law"),
        rating_row("maybe", None, None),
        {**rating_row("ok", 3, "Law"), "dataman_sensitivity": None},
    ],
)
def test_what_is_neither_rated_nor_flagged_is_refused(row):
    with pytest.raises(ValueError, match="row 0: expected ratings"):
        count_ratings([row])


def test_a_document_without_a_program_counts_as_not_parsable():
    assert count_doc_programs(["keep_doc()", None, "drop_doc()"]) == Programs(2, 3)
    with pytest.raises(ValueError, match="row 1: expected"):
        count_doc_programs([None, "keep_doc() of course"])


def test_programs_that_cannot_be_read_are_empty_or_cut_or_counted_as_errors():
    documents = [
        [chunk("remove_lines(start=0, end=003)\nnormalize('a', 'b')"), chunk("# nothing\nkeep_chunk()")],
        [chunk(""), chunk("The text is", is_cut=True), chunk("The text is good.")],
        [],
    ]
    assert count_chunk_programs(documents, [0, 1, 0]) == Programs(2, 5)
    with pytest.raises(ValueError, match="row 1: expected 1 errors at least; found 0"):
        count_chunk_programs(documents, [0, 0, 0])


def test_prose_that_counts_as_readable_is_refused(monkeypatch):
    monkeypatch.setattr("benchmarks.models.answer_counts.is_readable", bool)
    with pytest.raises(ValueError, match="row 0: expected calls"):
        count_chunk_programs([[chunk("The text is good.")]], [0])


def test_shares_of_both_stages_add_up():
    assert (Programs(12, 12) + Programs(0, 4)).share == 0.75
