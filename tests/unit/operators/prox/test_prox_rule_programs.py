import pyarrow as pa
import pytest
from pydantic import ValidationError

from operators.prox.programs import parse_strict
from operators.prox.prox_execute import ProxExecute
from operators.prox.prox_rule_programs import ProxRulePrograms
from operators.prox.published_programs import parse_published
from pipeline.document import TEXT_TYPE

PROSE = "This is a line of prose that has words enough to be one."
PAGE = f"Skip to content\nHome | News | Sport\nA title\n\n{PROSE}\nhttp://a.example/\n{PROSE}\n\n© 2020 Us\n"


def programs_of(texts, **fields):
    batch = pa.record_batch({"text": pa.array(texts, TEXT_TYPE)})
    columns = ProxRulePrograms(**fields).open()(batch)
    columns.validate(full=True)
    return batch, columns


def test_programs_say_what_goes_and_why():
    _, columns = programs_of(["nothing here", PAGE, ""])
    program = (
        "remove_lines(start=0, end=0)  # interface\n"
        "remove_lines(start=1, end=1)  # breadcrumbs\n"
        "remove_lines(start=5, end=5)  # url\n"
        "remove_lines(start=8, end=8)  # notice"
    )
    entry = {"first_line": 0, "last_line": 9, "program": program, "is_cut": False}
    assert columns["prox_programs"].to_pylist() == [None, [entry], None]


def test_both_parsers_read_them():
    _, columns = programs_of([PAGE])
    program = columns["prox_programs"][0].as_py()[0]["program"]
    assert parse_strict(program) == parse_published(program)
    assert parse_strict(program).intervals == ((0, 0), (1, 1), (5, 5), (8, 8))


def test_they_are_carried_out():
    batch, columns = programs_of([PAGE, "as it is"])
    rows = pa.record_batch([*batch.columns, *columns.columns], names=["text", "prox_programs"])
    edits = ProxExecute().open()(rows)
    assert edits.columns["text"].to_pylist() == [f"A title\n\n{PROSE}\n{PROSE}\n\n", "as it is"]
    assert edits.sizes.tolist() == [[4, 0], [0, 0]]


def test_phrases_are_a_setting():
    _, columns = programs_of([f"Nach oben\n{PROSE}\nKekse essen"], interface_phrases=("nach oben",), notices=("kekse",))
    assert columns["prox_programs"][0].as_py()[0]["program"] == (
        "remove_lines(start=0, end=0)  # interface\nremove_lines(start=2, end=2)  # notice"
    )
    _, columns = programs_of([PAGE], interface_phrases=())
    assert "interface" not in columns["prox_programs"][0].as_py()[0]["program"]


@pytest.mark.parametrize("phrase", ["", " ", "Home"])
def test_phrases_that_match_nothing_are_refused(phrase):
    with pytest.raises(ValidationError, match="expected one without capital letters, not blank"):
        ProxRulePrograms(menu_words=(phrase,))
