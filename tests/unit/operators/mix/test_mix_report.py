"""The table of a mix."""

from operators.mix.mix_report import mix_report


def test_a_row_a_part_and_one_for_all():
    part = {"num_documents": 2, "tokens": 10, "epoch_tokens": 20, "asked_tokens": 1500, "obtained_tokens": 1503}
    found = {
        "settings": {"by": {"column": "source"}},
        "size": "num_tokens",
        "parts": [{"name": "a|b", **part}, {"name": "none", **dict.fromkeys(part, 0)}],
    }
    lines = mix_report(found).splitlines()
    assert lines[0] == "# Mix by source, counted in num_tokens"
    assert lines[4:7] == [
        r"| a\|b | 2 | 10 | 1,500 | 1,503 | 3 | 75.150 | 1.0000 |",
        "| none | 0 | 0 | 0 | 0 | 0 | 0.000 | 0.0000 |",
        "| all | 2 | 10 | 1,500 | 1,503 | 3 |  |  |",
    ]
