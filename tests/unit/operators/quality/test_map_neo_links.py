from operators.quality.full_width_to_half_width import FullWidthToHalfWidth
from operators.quality.map_neo_links import MapNeoLinks
from tests.unit.operators.quality.map_neo_golden import batch_of, digest, edited, golden_documents, golden_rows


def test_texts_are_those_of_the_reference():
    rows = golden_rows()
    found = edited(MapNeoLinks(), [row["half_width"] for row in rows])
    assert found == [row["without_links"] for row in rows]


def test_documents_are_those_of_the_reference():
    rows, texts = golden_documents()
    found = edited(MapNeoLinks(), edited(FullWidthToHalfWidth(), texts))
    assert [digest(text) for text in found] == [row["without_links"] for row in rows]


def test_sizes_count_links_by_rule():
    edits = MapNeoLinks().open()(batch_of(["见 https://a.b/c d 和 1.2.3.4", "x.com y.org", "没有", "www.a.com,b.cn"]))
    assert edits.sizes.tolist() == [[1, 1, 0], [0, 0, 2], [0, 0, 0], [1, 0, 1]]
    assert edits.columns.column(0).to_pylist() == ["见  d 和 ", " ", "没有", ","]
