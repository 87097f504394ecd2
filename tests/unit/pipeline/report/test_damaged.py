"""Damaged files, each once."""

from pipeline.artifact import ShardRecord
from pipeline.report.damaged import DamagedFile, damaged_files


def record(*inputs: dict[str, object]) -> ShardRecord:
    return ShardRecord(index=0, fingerprint="f", files={}, counts={}, rules={}, inputs=inputs, examples=())


def entry(path: str, offset: int | None = None, unread: int | None = 5) -> dict[str, object]:
    damaged = {"offset": offset, "reason": "corrupt", "unread_compressed_bytes": unread}
    return {"source": "web", "path": path} | ({} if offset is None else {"damaged": damaged})


def test_a_file_that_several_units_read_is_named_once_with_its_first_place():
    found = damaged_files([record(entry("b", 30), entry("a")), record(entry("b", 20), entry("c", 1, None))])
    assert found == (DamagedFile("web", "b", "corrupt", 20, 5), DamagedFile("web", "c", "corrupt", 1, None))
    assert list(map(str, found)) == [
        "b of source web: corrupt at 20, 5 stored bytes unread",
        "c of source web: corrupt at 1",
    ]
