"""Damaged files, each once."""

from pipeline.artifact import ShardRecord
from pipeline.report.damaged import DamagedFile, damaged_files


def record(*inputs: dict[str, object]) -> ShardRecord:
    return ShardRecord(index=0, fingerprint="f", files={}, counts={}, rules={}, inputs=inputs, examples=())


def entry(
    path: str, offset: int | None = None, unread: int | None = 5, lost: int | None = None, start: int = 0
) -> dict[str, object]:
    damaged = {"offset": offset, "reason": "corrupt", "unread_compressed_bytes": unread, "lost_rows": lost}
    return {"source": "web", "path": path, "start": start} | ({} if offset is None else {"damaged": damaged})


def test_a_file_that_several_units_read_is_named_once_with_its_first_place():
    found = damaged_files([record(entry("b", 30, start=9), entry("a")), record(entry("b", 20), entry("c", 1, None))])
    assert found == (DamagedFile("web", "b", "corrupt", 20, 5), DamagedFile("web", "c", "corrupt", 1, None))
    assert list(map(str, found)) == [
        "b of source web: corrupt at 20, 5 stored bytes unread",
        "c of source web: corrupt at 1",
    ]


def test_row_groups_that_several_units_lost_are_added_up():
    """The last one is read by another step, too, in more columns."""
    pieces = [entry("a", 90, 7, 10, start=4), entry("a", 20, 5, 1000)]
    again = entry("a", 80, 7, 20, start=4)
    found = damaged_files([record(*pieces), record(again)])
    assert found == (DamagedFile("web", "a", "corrupt", 20, 12, 1020),)
    assert str(found[0]) == "a of source web: corrupt at 20, 1,020 rows lost, 12 stored bytes unread"
    assert damaged_files([record(*pieces, entry("a", 200, None, 3, start=9))])[0] == DamagedFile(
        "web", "a", "corrupt", 20, None, 1013
    )
