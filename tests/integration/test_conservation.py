"""Every input record is accounted for: checked from the files alone, with none of the engine's own counting."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.errors import CommitError
from pipeline.execution import stage_task
from pipeline.execution.exchange import PartitionInput, read_partition
from tests.builds import Built, run_build
from tests.corpus import BAD_LINES, corpus_files, write_files
from tests.small import small, small_files


@dataclass(frozen=True, slots=True)
class Folder:
    """A finished step as plain JSON and Parquet."""

    path: Path
    manifest: dict[str, Any]

    @property
    def step(self) -> str:
        return str(self.manifest["step"])

    def rows(self, role: str) -> Iterator[tuple[int, int, dict[str, Any]]]:
        """(shard, row of the file, values) of every row of the files of one role."""
        for shard in self.manifest["shards"]:
            if role in shard["files"]:
                table = pq.read_table(self.path / shard["files"][role]["name"])
                for row, values in enumerate(table.to_pylist()):
                    yield shard["index"], row, values

    def entries(self, *actions: str) -> list[tuple[int, int]]:
        """(shard, row in the base) of the ledger's entries with these actions."""
        return [(shard, values["row"]) for shard, _, values in self.rows("ledger") if values["action"] in actions]


@pytest.fixture(scope="module")
def folders(reference: Built) -> dict[str, Folder]:
    paths = sorted((reference.output / "steps").glob("*/manifest.json"))
    found = [Folder(path.parent, json.loads(path.read_text())) for path in paths]
    assert len(found) == len(reference.steps)
    return {folder.step: folder for folder in found}


def test_every_commit_satisfies_its_equations(folders: dict[str, Folder]) -> None:
    for folder in folders.values():
        for shard in folder.manifest["shards"]:
            counts, files = shard["counts"], shard["files"]
            where = f"{folder.step}, shard {shard['index']}"
            footers = {
                role: pq.read_metadata(folder.path / file["name"]).num_rows
                for role, file in files.items()
                if file["name"].endswith(".parquet")
            }
            gone = counts["rows_dropped"] + counts["rows_quarantined"]
            assert counts["rows_read"] == counts["rows_kept"] + gone, where
            assert footers.get("ledger", 0) == gone + counts["rows_edited"], where
            assert footers.get("identity", counts["rows_read"]) == counts["rows_read"], where
            assert sum(shard["rules"].values()) == gone + counts["rows_edited"], where
            if folder.manifest["kind"] in ("documents", "table"):
                assert footers["data"] == counts["rows_written"], where
            if folder.manifest["kind"] == "documents":
                assert footers["data"] == counts["rows_kept"], where
            if "conserved_in" in counts:
                assert counts["conserved_in"] == counts["conserved_out"] + counts["conserved_cut"] > 0, where


def test_columns_have_exactly_the_rows_of_their_base(folders: dict[str, Folder]) -> None:
    checked = 0
    for folder in folders.values():
        if folder.manifest["kind"] == "columns":
            base = folders[folder.manifest["base_step"]]
            assert folder.manifest["base_fingerprint"] == base.manifest["fingerprint"]
            rows = Counter(shard for shard, _, _ in folder.rows("data"))
            assert rows == Counter(shard for shard, _, _ in base.rows("data")), folder.step
            checked += 1
    assert checked >= 5


def test_a_steps_folder_holds_what_its_manifest_names_and_nothing_else(folders: dict[str, Folder]) -> None:
    for folder in folders.values():
        named = {file["name"] for shard in folder.manifest["shards"] for file in shard["files"].values()}
        named |= {file["name"] for file in folder.manifest.get("dataset", ())}
        found = {path.relative_to(folder.path).as_posix() for path in folder.path.rglob("*") if path.is_file()}
        assert found == named | {"manifest.json"}


def test_every_input_record_was_read(folders: dict[str, Folder]) -> None:
    lines = Counter(input_["path"] for shard in folders["documents"].manifest["shards"] for input_ in shard["inputs"])
    assert set(lines) == {name.split("/", 1)[1] for name in corpus_files() if not name.startswith("archive")}
    records = sum(
        input_["num_records"] for shard in folders["documents"].manifest["shards"] for input_ in shard["inputs"]
    )
    assert records == len(list(folders["documents"].rows("identity")))
    assert records == 140 + 60 + 60 + 50 + 30 + 70 + 40 + 7 * 8 + len(BAD_LINES)


def test_every_record_is_in_the_last_artifact_or_left_exactly_once(folders: dict[str, Folder]) -> None:
    read, tokens = folders["documents"], folders["tokens"]
    records = {(shard, row): values["doc_id"] for shard, row, values in read.rows("identity")}
    assert len(set(records.values())) == len(records), "doc_ids are unique"

    departures = Counter(records[place] for place in read.entries("drop", "quarantine"))
    base = {(shard, row): values["doc_id"] for shard, row, values in read.rows("data")}
    for step in ("exact.hashes", "exact", "near.signatures", "near", "best.scores", "best"):
        departures.update(base[place] for place in folders[step].entries("drop", "quarantine"))
    kept = Counter(values["doc_id"] for _, _, values in tokens.rows("data"))

    assert not folders["tokens"].entries("drop", "quarantine")
    assert departures + kept == Counter(records.values())
    assert departures.keys().isdisjoint(kept)


def test_every_token_is_in_both_packings_once(folders: dict[str, Folder]) -> None:
    documents = {values["doc_id"]: values["tokens"] for _, _, values in folders["tokens"].rows("data")}
    for step in ("chunks", "bins"):
        packed: dict[bytes, list[list[int]]] = {}
        for _, _, window in folders[step].rows("data"):
            for number, doc_id in enumerate(window["doc_ids"], start=1):
                own = list(zip(window["input_ids"], window["segment_ids"], strict=True))[: window["num_tokens"]]
                piece = [token for token, segment in own if segment == number]
                packed.setdefault(doc_id, []).append(piece)
        assert packed.keys() == documents.keys()
        for doc_id, pieces in packed.items():
            assert Counter(t for piece in pieces for t in piece) == Counter(documents[doc_id]), step


def test_a_duplicate_names_a_survivor_that_stayed(folders: dict[str, Folder]) -> None:
    base = {(shard, row): values["doc_id"] for shard, row, values in folders["documents"].rows("data")}
    for step in ("exact", "near"):
        gone = {base[place] for place in folders[step].entries("drop")}
        survivors = {values["survivor"] for _, _, values in folders[step].rows("ledger")}
        assert survivors <= set(base.values()) - gone
        assert gone


def test_a_row_that_does_not_arrive_behind_an_exchange_is_missed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lossy(source: PartitionInput, memory_bytes: int) -> Iterator[pa.RecordBatch]:
        for batch in read_partition(source, memory_bytes):
            yield batch.slice(int(source.index == 0))

    monkeypatch.setattr(stage_task, "read_partition", lossy)
    inputs = write_files(tmp_path / "in", small_files())
    with pytest.raises(CommitError, match=r"^step ranks: expected \d+ rows, as they were sent through the exchange; "):
        run_build(small(), inputs, tmp_path / "out")
