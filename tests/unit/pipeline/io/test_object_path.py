import pytest

from pipeline.errors import PlanError
from pipeline.io import object_path
from pipeline.io.object_path import TAIL_BYTES, ObjectFile, ObjectPath

RUN = ObjectPath.of("s3://bucket/a/run")


def test_places_are_spelled_as_urls() -> None:
    assert str(RUN) == "s3://bucket/a/run"
    assert ObjectPath.of("s3://bucket/a//run/") == RUN
    assert ObjectPath.of("s3://bucket/a/run/steps/x/data") == RUN / "steps/x" / "data"
    file = RUN / "steps" / "00001-ab.parquet"
    assert (file.name, file.suffix, file.parent) == ("00001-ab.parquet", ".parquet", RUN / "steps")
    assert RUN.absolute() == RUN


@pytest.mark.parametrize(
    "url",
    [
        "s3://AKIACANARY:canarysecret@bucket/run",
        "s3://bucket/run?X-Amz-Signature=canarysecret&X-Amz-Credential=AKIACANARY",
        "s3://bucket/run?canarysecret",
        "s3://bucket/run#canarysecret",
    ],
)
def test_urls_that_hold_secrets_are_refused_and_not_quoted(url: str) -> None:
    with pytest.raises(PlanError, match=r"expected .*; found (some|a query or a fragment)") as raised:
        ObjectPath.of(url)
    assert "canary" not in str(raised.value).lower()


class Stored:
    """An object that counts how often it is asked."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.ranges: list[tuple[int, int]] = []

    def num_bytes(self) -> int:
        return len(self.content)

    def read_range(self, start: int, stop: int) -> bytes:
        self.ranges.append((start, stop))
        return self.content[start:stop]


def test_the_end_of_a_file_is_fetched_once() -> None:
    stored = Stored(bytes(range(256)) * 1024)
    size = len(stored.content)
    with ObjectFile(stored) as file:  # type: ignore[arg-type]
        file.seek(-8, 2)
        assert file.read() == stored.content[-8:]
        file.seek(size - 1000)
        assert file.read(10) == stored.content[-1000:-990]
        assert file.tell() == size - 990
        assert stored.ranges == [(size - TAIL_BYTES, size)]
        file.seek(5)
        assert file.read(7) == stored.content[5:12]
        file.seek(size - TAIL_BYTES - 3)
        assert file.read(6) == stored.content[size - TAIL_BYTES - 3 : size - TAIL_BYTES + 3]
        assert stored.ranges[1:] == [(5, 12), (size - TAIL_BYTES - 3, size - TAIL_BYTES + 3)]
        file.seek(0, 2)
        assert file.read(4) == b""


class Client:
    """Lists what it is told, two entries a page."""

    def __init__(self, keys: list[str]) -> None:
        self.keys = sorted(keys)

    def call_s3(self, method: str, **options: str) -> dict[str, object]:
        assert method == "list_objects_v2"
        prefix, delimiter = options["Prefix"], options["Delimiter"]
        below = [key for key in self.keys if key.startswith(prefix)]
        cut = [key.removeprefix(prefix).split("/")[0] if delimiter else key.removeprefix(prefix) for key in below]
        entries = sorted(set(cut))
        start = int(options.get("ContinuationToken", 0))
        page = [prefix + entry for entry in entries[start : start + 2]]
        return {
            "Contents": [{"Key": key} for key in page if key in self.keys],
            "CommonPrefixes": [{"Prefix": f"{key}/"} for key in page if key not in self.keys],
            "IsTruncated": start + 2 < len(entries),
            "NextContinuationToken": str(start + 2),
        }


def test_patterns_match_names_level_by_level(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = ["run/steps/b-1/manifest.json", "run/steps/a-1/segment-0/00000.json", "run/steps/a-1/segment-0/x.arrow"]
    keys += ["run/steps/a-1/segment-10/00000.json", "run/steps/a-2/data/00000-ff.parquet", "run/run.json", "runner/x"]
    monkeypatch.setattr(object_path, "_filesystem", lambda: Client(keys))
    root = ObjectPath("bucket", "run")

    def found(pattern: str) -> list[str]:
        return sorted(str(path).removeprefix("s3://bucket/run/") for path in root.glob(pattern))

    assert found("steps/a-*") == ["steps/a-1", "steps/a-2"]
    assert found("steps/*/segment-*/*.json") == [
        "steps/a-1/segment-0/00000.json",
        "steps/a-1/segment-10/00000.json",
    ]
    assert found("nothing/*") == []
    assert sorted(path.key for path in root.files_below()) == sorted(key for key in keys if key != "runner/x")
    assert sorted(path.name for path in (root / "steps").iterdir()) == ["a-1", "a-2", "b-1"]
