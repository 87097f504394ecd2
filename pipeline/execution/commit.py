"""Who may say that work is done: the driver alone, by creating a commit record that did not exist.

A step's folder is `steps/<step>-<fingerprint prefix>/`:

    data/ ledger/ identity/ values/ files/
                                 files named `<shard>-<xxh3 of the bytes>`, written by workers
    segment-<i>/                 commit records of unfinished work, and the files of exchanges; gone when the step ends
    fallback-<n>.json            the n-th operator of the unfinished step that its fallback stands in for
    poison-<i>-<unit>-<row>.json a row that an operator of the unfinished step must not be shown
    dataset/                     files of a trainer's format under the names that it reads, made by the driver
    manifest.json                the finished artifact; whatever it does not name is swept

An equal record already there is success; a different one is an error. A record is created by `Store.create`, which
fails if the name exists, so two drivers cannot both win.
"""

import hashlib
import json
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from itertools import count
from pathlib import Path, PurePosixPath
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import xxhash

from pipeline.artifact import (
    DATA,
    FILES,
    IDENTITY,
    LEDGER,
    MANIFEST_NAME,
    VALUES,
    Fallback,
    FileRecord,
    Manifest,
    ShardRecord,
    load_manifest,
    load_record,
    reading_record,
)
from pipeline.errors import CommitError
from pipeline.execution.faults import reach
from pipeline.execution.poison.rows import PoisonRow
from pipeline.io.object_path import ObjectFile
from pipeline.io.scratch import local_copy
from pipeline.io.store import Place, Store, files_below, name_below, num_bytes, store_at
from pipeline.ledger import READ
from pipeline.plan.logical import ArtifactKind

FINGERPRINT_PREFIX = 12
LISTING_NAME = "files.txt"


@dataclass(frozen=True, slots=True)
class StepFolder:
    """Where one step's artifact is made and lies. Picklable: workers write through it, only the driver commits."""

    root: Place
    """The output folder."""
    step: str
    fingerprint: str
    staged: list[Path] | None = None
    """What an attempt at a unit has staged."""

    @property
    def name(self) -> str:
        """The step's folder, relative to the output folder."""
        return f"steps/{self.step}-{self.fingerprint[:FINGERPRINT_PREFIX]}"

    @property
    def path(self) -> Place:
        """The step's folder."""
        return self.root / self.name

    @property
    def store(self) -> Store:
        """What writes into the output folder."""
        return store_at(self.root)

    def segment(self, index: int) -> Place:
        """Commit records and exchange files of one segment."""
        return self.path / f"segment-{index}"

    def manifest(self) -> Manifest | None:
        """The finished artifact, if there is one."""
        return load_manifest(self.path)

    # What workers do

    @contextmanager
    def attempt(self) -> Iterator["StepFolder"]:
        """The folder for one attempt at a unit: what it stages and does not publish is gone when it ends.

        An attempt may fail because the disk is full, or go on when others have finished the step.
        """
        staged: list[Path] = []
        try:
            yield replace(self, staged=staged)
        finally:
            for path in staged:
                shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)

    def stage_file(self) -> Path:
        """As `Store.stage`."""
        path = self.store.stage()
        if self.staged is not None:
            self.staged.append(path)
        return path

    def publish(self, staged: Path, folder: str, shard: int, suffix: str, num_rows: int) -> FileRecord:
        """Moves a finished file to its name by content, and says what it holds.

        It is on the disk by then: a commit that outlives a loss of power must not name a file that does not.

        Raises:
            CommitError: the step was finished without this attempt, which was given up; its file is gone again.
        """
        reach("write.closed")
        digest = file_digest(staged)
        size = staged.stat().st_size
        name = f"{folder}/{shard:05d}-{digest}{suffix}"
        self.store.move(staged, f"{self.name}/{name}")
        self._withdraw_late(name)
        reach("write.renamed")
        return FileRecord(name, num_rows, size, digest)

    def _withdraw_late(self, name: str) -> None:
        """Takes a file back that came after the step's manifest: nothing would sweep it any more.

        Asked after the rename: a manifest that is not there yet comes before the sweep, which then finds the file.
        """
        manifest = self.manifest()
        if manifest is None or name in _named(manifest):
            return
        path = self.path / name
        self.store.remove([path])
        if isinstance(path, Path):
            with suppress(OSError):  # a folder of a segment, which the sweep had removed; others are not empty
                path.parent.rmdir()
        raise CommitError(
            f"step {self.step}, file {name!r}: expected an unfinished step; found its manifest, as another attempt or "
            "driver left it; run again"
        )

    # What the driver does

    def list_exchange(self, segment: int, names: Iterable[str]) -> Place:
        """Writes the listing of a segment's exchange files, which lie beside it; the same every time it is written.

        One file a segment, so that a unit of the next segment carries its path, not the names of all files.
        """
        name = f"segment-{segment}/{LISTING_NAME}"
        self.write("".join(f"{file}\n" for file in names).encode(), name)
        return self.path / name

    def earlier_shards(self) -> dict[str, tuple[Place, ShardRecord]]:
        """Shards of all builds of this step in the output, finished or not, by fingerprint, with their folder."""
        found: dict[str, tuple[Place, ShardRecord]] = {}
        folders: list[Place] = sorted(self.path.parent.glob(f"{self.step}-*"))
        for folder in folders:
            manifest = load_manifest(folder)
            records = _records(sorted(folder.glob("segment-*/*.json"))) if manifest is None else manifest.shards
            found.update({record.fingerprint: (folder, record) for record in records})
        return found

    def adopt(self, folder: Place, record: ShardRecord, index: int) -> ShardRecord:
        """Links the files of an equal shard into this folder, as shard `index`, and returns its record here."""
        files = {}
        for role, file in record.files.items():
            _, dash, content = Path(file.name).name.partition("-")
            name = f"{Path(file.name).parent}/{index:05d}{dash}{content}"
            self.link(folder / file.name, name)
            files[role] = replace(file, name=name)
        return replace(record, index=index, files=files)

    def link(self, file: Place, name: str) -> None:
        """Gives a finished file another name, `name` of this folder; whatever had it before has it no longer."""
        self.store.link(file, f"{self.name}/{name}")

    def write(self, data: bytes, name: str) -> None:
        """Writes a small file as `name` of this folder."""
        staged = self.stage_file()
        staged.write_bytes(data)
        self.store.move(staged, f"{self.name}/{name}")

    def committed(self, segment: int) -> dict[int, ShardRecord]:
        """Commit records of a segment, by unit."""
        return {record.index: record for record in _records(sorted(self.segment(segment).glob("*.json")))}

    def commit(self, segment: int, record: ShardRecord, kind: ArtifactKind | None) -> None:
        """Verifies a unit's result against the files themselves, then records it.

        Raises:
            CommitError: the counts of reader, footers and ledger do not add up, or another result is recorded.
        """
        self._verify(record, kind)
        reach("commit.verified")
        data = json.dumps(record.to_json(), indent=1, ensure_ascii=False).encode()
        self._create(f"segment-{segment}/{record.index:05d}.json", data, "commit")

    def fallbacks(self) -> tuple[Fallback, ...]:
        """As `fallbacks_in` the step's folder."""
        return fallbacks_in(self.path)

    def add_fallback(self, fallback: Fallback) -> None:
        """Records one more, before anything is dropped that was made without it."""
        data = json.dumps(asdict(fallback), indent=1, ensure_ascii=False).encode()
        self._create(_fallback_name(len(self.fallbacks())), data, "fallback")

    def poison(self, segment: int, fallbacks: tuple[str, ...]) -> dict[int, tuple[PoisonRow, ...]]:
        """Rows that operators must not be shown, by unit, as they were found with these fallbacks."""
        found: dict[int, list[PoisonRow]] = {}
        paths: list[Place] = sorted(self.path.glob(f"poison-{segment:03d}-*.json"))
        for path in paths:
            with reading_record("record of a poison row", path, "remove it, and run again to find the row anew"):
                data = json.loads(path.read_bytes())
                if tuple(data["fallbacks"]) == fallbacks:
                    found.setdefault(data["unit"], []).append(PoisonRow.from_json(data))
        return {unit: tuple(rows) for unit, rows in found.items()}

    def add_poison(self, segment: int, fallbacks: tuple[str, ...], unit: int, row: PoisonRow) -> None:
        """Records a row before anything is made without it."""
        data = json.dumps({"unit": unit, "fallbacks": fallbacks} | row.to_json(), indent=1).encode()
        name = "-".join(["poison", f"{segment:03d}", f"{unit:05d}", f"{row.row:010d}", *fallbacks])
        self._create(f"{name}.json", data, "poison")

    def drop_others(self, fallbacks: tuple[str, ...]) -> None:
        """Forgets what was committed with other fallbacks than these; cut short, it is done again by the next run.

        Its files stay until the step is swept: a shard that comes out the same has files of the same names.
        """
        paths: list[Place] = sorted(self.path.glob("segment-*/*.json"))
        for path in paths:
            for record in _records([path]):
                if record.fallbacks != fallbacks:
                    self.store.remove([path])
                    reach("fallback.dropping")

    def drop_exchange(self, segment: int) -> None:
        """Removes the rows that a segment sent, once the next one has read them: rounds would fill the disk."""
        self.store.remove(self.segment(segment).glob("*.arrow"))

    def finish(self, manifest: Manifest) -> None:
        """Records the manifest: the step is done."""
        self._create(MANIFEST_NAME, manifest.to_bytes(), "manifest")

    def sweep(self, manifest: Manifest) -> None:
        """Removes what the manifest does not name: files of lost attempts, exchange files and commit records.

        Segment folders go last: while one is there, a sweep that was cut short is taken up again by the next run.
        """
        reach("sweep.begin")
        named = _named(manifest)
        segments: list[Place] = sorted(self.path.glob("segment-*"))
        in_segments = tuple(f"{segment.name}/" for segment in segments)
        below = ((file, name_below(file, self.path)) for file in files_below(self.path))
        self.store.remove([file for file, name in below if name not in named and not name.startswith(in_segments)])
        reach("sweep.middle")
        for folder in reversed(segments):
            self.store.remove_folder(folder)

    @property
    def is_swept(self) -> bool:
        """Whether nothing but the artifact is left."""
        return not any(self.path.glob("segment-*"))

    def _create(self, name: str, data: bytes, what: str) -> None:
        staged = self.stage_file()
        staged.write_bytes(data)
        reach(f"{what}.staged")
        try:
            is_new = self.store.create(staged, f"{self.name}/{name}")
        finally:
            staged.unlink()
        if not is_new and (self.path / name).read_bytes() != data:
            raise CommitError(
                f"step {self.step}, {what} {PurePosixPath(name).name}: expected the result that is already recorded; "
                "found another; "
                "an operator is not deterministic, or a file changed: raise its version or clear the step's folder"
            )
        reach(f"{what}.recorded")

    def _verify(self, record: ShardRecord, kind: ArtifactKind | None) -> None:
        rows: dict[str, int] = {}
        for role, file in record.files.items():
            path = self.path / file.name
            try:
                in_rows = None if role.startswith(FILES) else _rows_in(path)
                found, expected = (num_bytes(path), file.num_bytes) if in_rows is None else (in_rows, file.num_rows)
            except FileNotFoundError as error:
                raise CommitError(
                    f"step {self.step}, shard {record.index}, {role}: expected file {file.name!r}; not found; run again"
                ) from error
            if found != expected:
                unit = "bytes" if in_rows is None else "rows"
                raise CommitError(
                    f"step {self.step}, shard {record.index}, {role}: expected {expected} {unit} as the worker "
                    f"counted; found {found} in the file"
                )
            if in_rows is not None:
                rows[role] = in_rows
        check_conservation(self.step, record, rows, kind)


def check_conservation(step: str, record: ShardRecord, rows: Mapping[str, int], kind: ArtifactKind | None) -> None:
    """The equations of the operator kinds between the reader's count, the files' footers and the ledger.

    Args:
        rows: rows found in the footer of each file, by role.
        kind: what the segment writes; None for an exchange, whose rows the record declares.

    Raises:
        CommitError: an equation does not hold.
    """
    counts = record.counts
    listed = counts["rows_dropped"] + counts["rows_quarantined"]
    equations: list[tuple[str, int, int]] = []
    if LEDGER in rows:
        equations.append(("ledger = dropped + quarantined + edited", rows[LEDGER], listed + counts["rows_edited"]))
    if IDENTITY in rows:
        equations.append(("identity = read", rows[IDENTITY], counts["rows_read"]))
    equations.append(("read = kept + dropped + quarantined", counts["rows_read"], counts["rows_kept"] + listed))
    if "rows_judged" in counts:
        unread = sum(num for rule, num in record.rules.items() if rule.startswith(f"{READ}/"))
        equations.append(("values = judged", rows.get(VALUES, 0), counts["rows_judged"]))
        equations.append(
            ("read = judged + rejected by the reader", counts["rows_read"], counts["rows_judged"] + unread)
        )
    equations += _equations_of_rows(counts, rows.get(DATA), kind)
    if "conserved_in" in counts:
        equations.append(("in = out + cut", counts["conserved_in"], counts["conserved_out"] + counts["conserved_cut"]))
    for name, left, right in equations:
        if left != right:
            raise CommitError(
                f"step {step}, shard {record.index}: expected {name}; found {left} and {right}; nothing was committed"
            )


def _equations_of_rows(
    counts: Mapping[str, int], found: int | None, kind: ArtifactKind | None
) -> list[tuple[str, int, int]]:
    """Equations for the rows that were written, `found` in the data file if there is one."""
    if kind is ArtifactKind.FILES:
        return [("written = kept", counts["rows_written"], counts["rows_kept"])]
    if found is None:
        return []
    if kind is ArtifactKind.COLUMNS:
        return [("columns = rows of the base", found, counts["rows_base"])]
    equations = [("file = written", found, counts["rows_written"])]
    if kind is not None:
        # Only a shard operator, a partition operator or a task may give other rows than it was given.
        equations.append(("file = kept + reshaped", found, counts["rows_kept"] + counts.get("rows_reshaped", 0)))
    return equations


def _named(manifest: Manifest) -> set[str]:
    """What stays of a finished step's folder."""
    files = {file.name for shard in manifest.shards for file in shard.files.values()}
    return {MANIFEST_NAME, *files, *(file.name for file in manifest.dataset)}


def _records(paths: Iterable[Place]) -> list[ShardRecord]:
    """Those that are there: a listing may name what is gone, and misses at worst work that is then done again."""
    found = []
    for path in paths:
        with suppress(FileNotFoundError):
            found.append(load_record(path))
    return found


def fallbacks_in(folder: Place) -> tuple[Fallback, ...]:
    """Operators of an unfinished step that their fallbacks stand in for, in the order in which they asked."""
    found = []
    for number in count():  # by name: a listing may miss one, and the step would go on without it
        path = folder / _fallback_name(number)
        try:
            with reading_record("record of a fallback", path, "remove the step's folder, and run again"):
                found.append(Fallback(**json.loads(path.read_bytes())))
        except FileNotFoundError:
            return tuple(found)
    raise AssertionError


def _fallback_name(number: int) -> str:
    return f"fallback-{number:03d}.json"


def file_digest(path: Place) -> str:
    """The xxh3-64 of a file's bytes, in hex."""
    with Path(local_copy(str(path))).open("rb") as stream:
        return hashlib.file_digest(stream, xxhash.xxh3_64).hexdigest()


def _rows_in(path: Place) -> int | None:
    """Rows that a file itself says it holds; None for a file of a model, and for rows that travel in a store.

    An Arrow file names its rows batch by batch: of an object that would be a request for each. Such a file's size is
    checked, and its rows are counted when they arrive.
    """
    if path.suffix == ".parquet":
        index: Any = path if isinstance(path, Path) else ObjectFile(path)  # Any: both are what Arrow calls a file
        return int(pq.read_metadata(index).num_rows)
    if path.suffix == ".arrow" and isinstance(path, Path):
        with pa.memory_map(str(path)) as source:
            reader = pa.ipc.open_file(source)
            return sum(int(reader.get_batch(index).num_rows) for index in range(reader.num_record_batches))
    return None
