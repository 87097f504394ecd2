import json

import pytest

from benchmarks.dedup.scale import PAGE, RESULT, bytes_table, hours_table, page_with
from pipeline.document import POSITION_TYPE

MEASURED = {
    "machine": {"cpu": "A Processor"},
    "commit": "0123456789abcdef",
    "speed": {
        "corpora": {
            "small": {},
            "large": {
                "corpus": {"documents": 1000, "text_bytes": 2048 * 1000},
                "tools": {
                    "ours": {
                        "runs": [
                            {},
                            {
                                "cpu_seconds": 2.0,
                                "wall_seconds": 4.0,
                                "steps": {"near.signatures": {"seconds": 0.036}, "near.edges": {"seconds": 0.0072}},
                            },
                        ]
                    }
                },
            },
        }
    },
}


def cells(table, name):
    (row,) = [line for line in table.splitlines() if line.startswith(f"| {name}")]
    return [cell.strip() for cell in row.strip("|").split("|")][1:]


def test_bytes_follow_from_the_columns():
    table = bytes_table()
    width = POSITION_TYPE.bit_width // 8
    assert cells(table, "exchange by bucket") == [f"{14 * 2 * width} GB", "2.24 TB", "22.4 TB"]
    assert cells(table, "kept: buckets") == ["336 GB", "3.36 TB", "33.6 TB"]
    assert cells(table, "clusters in one process") == ["8 GB", "120 GB", "1.2 TB"]


def test_hours_of_the_largest_corpus_grow_with_documents_and_length():
    table = hours_table(MEASURED)
    # Half of the time went to others. 18 microseconds a document of 2 KiB are 36 for 4 KiB: 10 hours a billion.
    # Edges do not depend on the length.
    assert cells(table, "read, and sign: 36.0") == ["10", "100", "1,000"]
    assert cells(table, "buckets to edges: 3.6") == ["1", "10", "100"]
    assert cells(table, "all") == ["11", "110", "1,100"]
    assert "1,000 documents of 2,048 bytes; A Processor; commit 0123456789ab." in table


def test_the_page_has_the_table_of_bytes():
    page = PAGE.read_text()
    assert page_with(page, "bytes", bytes_table()) == page


@pytest.mark.skipif(not RESULT.is_file(), reason=f"expected {RESULT.name}, which `make bench-dedup` writes")
def test_the_page_has_the_hours_of_the_result():
    page = PAGE.read_text()
    assert page_with(page, "core-hours", hours_table(json.loads(RESULT.read_text()))) == page


def test_a_page_without_marks_is_refused():
    with pytest.raises(SystemExit, match="expected the marks"):
        page_with("# No marks", "bytes", "")
