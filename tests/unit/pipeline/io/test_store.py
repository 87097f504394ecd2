from pathlib import Path

import pytest

from pipeline.errors import PlanError
from pipeline.io.object_path import ObjectPath
from pipeline.io.store import FolderStore, ObjectStore, files_below, name_below, num_bytes, place_of, store_at


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path)


def staged(store: FolderStore, content: bytes) -> Path:
    path = store.stage()
    path.write_bytes(content)
    return path


def test_outputs_are_folders_or_places_in_a_store(tmp_path: Path) -> None:
    assert place_of("runs/x") == Path("runs/x")
    assert place_of("s3://bucket/x") == ObjectPath("bucket", "x")
    assert place_of(tmp_path) == tmp_path
    assert isinstance(store_at(tmp_path), FolderStore)
    assert isinstance(store_at(ObjectPath("bucket", "x")), ObjectStore)
    with pytest.raises(PlanError, match="found a URL that lost a slash"):
        place_of(Path("s3://bucket/x"))


def test_a_name_is_created_once(store: FolderStore) -> None:
    first, second = staged(store, b"first"), staged(store, b"second")
    assert store.create(first, "steps/x/manifest.json")
    assert not store.create(second, "steps/x/manifest.json")
    assert (store.root / "steps/x/manifest.json").read_bytes() == b"first"
    assert first.exists()


def test_files_get_their_names(store: FolderStore) -> None:
    store.move(staged(store, b"old"), "steps/x/data/a")
    store.move(staged(store, b"new"), "steps/x/data/a")
    store.link(store.root / "steps/x/data/a", "steps/x/dataset/b")
    store.link(store.root / "steps/x/data/a", "steps/x/dataset/b")
    folder = store.root / "steps/x"
    assert [name_below(path, folder) for path in files_below(folder)] == ["data/a", "dataset/b"]
    assert num_bytes(folder / "dataset/b") == 3
    assert list((store.root / "tmp").iterdir()) == []
    store.remove([folder / "data/a", folder / "data/a"])
    assert (folder / "dataset/b").read_bytes() == b"new"
    store.remove_folder(folder)
    assert files_below(folder) == []
