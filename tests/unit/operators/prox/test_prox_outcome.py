import pyarrow as pa

from operators.prox.programs import PROGRAMS_TYPE
from operators.prox.prox_outcome import COUNTS, ProxOutcome
from pipeline.document import TEXT_TYPE


def test_what_would_be_done():
    program = "remove_lines(0, 0)\nnormalize('b', 'c')\nnonsense"
    rows = [
        ("a menu\nb b", [{"first_line": 0, "last_line": 1, "program": program, "is_cut": False}]),
        ("a menu\nb b", [{"first_line": 0, "last_line": 1, "program": f"{program}\nmore", "is_cut": False}]),
        ("a menu", []),
        ("a menu", None),
    ]
    texts, programs = zip(*rows, strict=True)
    batch = pa.record_batch({"text": pa.array(texts, TEXT_TYPE), "prox_programs": pa.array(programs, PROGRAMS_TYPE)})
    columns = ProxOutcome().open()(batch)
    assert columns.schema == ProxOutcome().adds()
    found = [tuple(row[name] for name in COUNTS) for row in columns.to_pylist()]
    assert found == [(1, 0, 1, 2, 4, 2), (2, 1, 0, 0, 4, 4), (0, 0, 0, 0, 2, 2), (None,) * len(COUNTS)]
