"""Manifests: what a finished step left, shard by shard, and how artifacts and views are read back.

Readers follow manifests, never folder listings. A manifest names no host, time, absolute path or worker.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import PurePosixPath
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.document import POSITION, POSITION_TYPE
from pipeline.errors import StorageError
from pipeline.io.scratch import local_copy
from pipeline.io.shard_file import BatchSize, FileColumns, check_content, read_aligned
from pipeline.io.store import Place
from pipeline.ledger import IDENTITY_SCHEMA, READ, Action
from pipeline.plan.logical import ArtifactKind

MANIFEST_NAME = "manifest.json"
DATA, LEDGER, IDENTITY, VALUES = "data", "ledger", "identity", "values"
FILES = "files/"
"""Begins the roles of files in a trainer's format: what the writer called them follows."""
DATASET = "dataset"
"""The folder where such files of all shards lie under the names that trainers read."""
ROWS_TRUE = "rows_true"
"""Count of a unit that closes a round: its rows that ask for another one."""
Rows = npt.NDArray[np.uint32]


@dataclass(frozen=True, slots=True)
class FileRecord:
    """One file of a shard, named by its content."""

    name: str
    """Path relative to the step's folder."""
    num_rows: int
    num_bytes: int
    digest: str
    """xxh3-64 of the file's bytes, in hex."""

    def __post_init__(self) -> None:
        check_name(self.name)


@dataclass(frozen=True, slots=True)
class ShardRecord:
    """What one committed unit of work left. The same for every run, so it holds counts and checksums only."""

    index: int
    fingerprint: str
    files: dict[str, FileRecord]
    """By role: data, ledger, identity, values; model files by their own name; a trainer's files as `files/NAME`."""
    counts: dict[str, int]
    """rows_read, rows_kept, rows_dropped, rows_quarantined and rows_edited (counted by each rule that edited the row);
    rows_judged by operators, where a step keeps their values; rows_written to the data file, of which rows_reshaped
    more or fewer than kept by operators that may change them; and what operators declare conserved."""
    rules: dict[str, int] = field(default_factory=dict)
    """`operator/action/rule` -> rows."""
    inputs: tuple[dict[str, Any], ...] = ()  # Any: numbers, strings and null of a split's summary
    examples: tuple[dict[str, str], ...] = ()
    made_with: dict[str, str] = field(default_factory=dict)
    """Label of an operator -> engine and version, where the operator says so."""
    fallbacks: tuple[str, ...] = ()
    """Labels of the operators that ran as their fallback, sorted; twice for the fallback of a fallback."""

    def to_json(self) -> dict[str, Any]:  # Any: JSON
        """Plain data, keys in a fixed order."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "ShardRecord":  # Any: JSON
        """The record that `to_json` described."""
        files = {role: FileRecord(**record) for role, record in data["files"].items()}
        tuples = {name: tuple(data.get(name, ())) for name in ("inputs", "examples", "fallbacks")}
        return cls(**{**data, "files": files, **tuples})


@dataclass(frozen=True, slots=True)
class Fallback:
    """An operator whose fallback made a whole step."""

    operator: str
    """Its label."""
    before: dict[str, Any]  # Any: values of fields, as JSON
    """Fields of the operator as the recipe has them, those that the fallback changes."""
    after: dict[str, Any]  # Any: as above
    """The same fields of the fallback."""
    reason: str

    def __str__(self) -> str:
        """In one line, for people."""
        changed = ", ".join(f"{name} {self.before[name]!r} -> {self.after[name]!r}" for name in self.after)
        return f"{self.operator} fell back ({changed}): {self.reason}"


@dataclass(frozen=True, slots=True)
class DatasetFile:
    """One file of a dataset in a trainer's format."""

    name: str
    """Path relative to the step's folder."""
    num_bytes: int
    digest: str
    """xxh3-64 of the file's bytes, in hex."""
    shard: int | None
    """Whose it is; None for a file over all shards."""

    def __post_init__(self) -> None:
        check_name(self.name)


@dataclass(frozen=True, slots=True)
class Manifest:
    """A finished artifact."""

    step: str
    kind: ArtifactKind
    fingerprint: str
    base_step: str | None
    base_fingerprint: str | None
    """Of the base, or of the sources whose records columns and removals belong to."""
    operators: tuple[dict[str, Any], ...]  # Any: operator identities are JSON
    columns: dict[str, str]
    """Column name -> Arrow type, as text."""
    shards: tuple[ShardRecord, ...]
    folder: Place
    """Where it lies; not stored."""
    against_fingerprints: tuple[str, ...] = ()
    """Of the tables behind the base, for whose rows columns and removals have shards after those of the base."""
    made_with: dict[str, str] = field(default_factory=dict)
    """As of a shard, over all segments of the step."""
    fallbacks: tuple[Fallback, ...] = ()
    """Sorted by operator."""
    dataset: tuple[DatasetFile, ...] = ()
    """The dataset in a trainer's format: the shards' files under other names, and those over all shards."""

    def to_bytes(self) -> bytes:
        """The stored form."""
        data = {
            "step": self.step,
            "kind": self.kind.value,
            "fingerprint": self.fingerprint,
            "base_step": self.base_step,
            "base_fingerprint": self.base_fingerprint,
            "against_fingerprints": self.against_fingerprints,
            "operators": list(self.operators),
            "columns": self.columns,
            "made_with": self.made_with,
            "fallbacks": [asdict(fallback) for fallback in self.fallbacks],
            "shards": [shard.to_json() for shard in self.shards],
        }
        if self.kind is ArtifactKind.FILES:
            data["dataset"] = [asdict(file) for file in self.dataset]
        return json.dumps(data, indent=1, ensure_ascii=False).encode() + b"\n"

    def path(self, shard: int, role: str) -> str | None:
        """Where a shard's file of that role lies, or None if it has none."""
        record = self.shards[shard].files.get(role)
        return None if record is None else str(self.folder / record.name)

    @property
    def shard_rows(self) -> tuple[int, ...]:
        """Rows in each shard's data file."""
        return self._rows_of(DATA)

    @property
    def shard_records(self) -> tuple[int, ...]:
        """Records that were read for each shard, where this is a first reading of sources."""
        return self._rows_of(IDENTITY)

    def _rows_of(self, role: str) -> tuple[int, ...]:
        return tuple(shard.files[role].num_rows if role in shard.files else 0 for shard in self.shards)

    def dataset_files(self, shard: int) -> tuple[str, ...]:
        """Names of a shard's files in the dataset."""
        return tuple(file.name.removeprefix(f"{DATASET}/") for file in self.dataset if file.shard == shard)

    def total(self, count: str) -> int:
        """A count summed over all shards; 0 where it does not exist."""
        return sum(shard.counts.get(count, 0) for shard in self.shards)

    def rule_totals(self) -> dict[str, int]:
        """`operator/action/rule` -> rows, over all shards, most first."""
        totals: dict[str, int] = {}
        for shard in self.shards:
            for rule, rows in shard.rules.items():
                totals[rule] = totals.get(rule, 0) + rows
        return dict(sorted(totals.items(), key=lambda item: (-item[1], item[0])))


def check_name(name: str) -> None:
    """Refuses a path that leads out of the folder that it is relative to: records may come from anybody.

    Raises:
        StorageError: it is absolute, or goes up.
    """
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or not path.parts:
        raise StorageError(
            f"record of a file: expected a path below its step's folder; found {name!r}; nobody's run wrote that: "
            "remove the folder that holds the record"
        )


@contextmanager
def reading_record(what: str, path: Place, advice: str) -> Iterator[None]:
    """Reads what an earlier run recorded.

    Raises:
        StorageError: it is damaged; the message names the file, and says what to do as `advice` does.
    """
    try:
        yield
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise StorageError(
            f"{what} {str(path)!r}: expected what this version writes; found {type(error).__name__}: {error}; {advice}"
        ) from error


def load_record(path: Place) -> ShardRecord:
    """A commit record.

    Raises:
        StorageError: it is damaged.
    """
    with reading_record("commit record", path, "remove it, and run again to do its unit anew"):
        return ShardRecord.from_json(json.loads(path.read_bytes()))


def load_manifest(folder: Place) -> Manifest | None:
    """The manifest of a step's folder, or None while the step is not finished.

    Raises:
        StorageError: it is damaged.
    """
    path = folder / MANIFEST_NAME
    try:
        with reading_record("manifest", path, "remove the folder and run again"):
            return _manifest(json.loads(path.read_bytes()), folder)
    except FileNotFoundError:
        return None


def _manifest(data: Mapping[str, Any], folder: Place) -> Manifest:  # Any: JSON
    return Manifest(
        step=data["step"],
        kind=ArtifactKind(data["kind"]),
        fingerprint=data["fingerprint"],
        base_step=data["base_step"],
        base_fingerprint=data["base_fingerprint"],
        operators=tuple(data["operators"]),
        columns=data["columns"],
        shards=tuple(ShardRecord.from_json(shard) for shard in data["shards"]),
        folder=folder,
        against_fingerprints=tuple(data["against_fingerprints"]),
        made_with=data.get("made_with", {}),
        fallbacks=tuple(Fallback(**fallback) for fallback in data.get("fallbacks", ())),
        dataset=tuple(DatasetFile(**file) for file in data.get("dataset", ())),
    )


@dataclass(frozen=True, slots=True)
class ViewShard:
    """One shard of a view: the files that hold its columns, and the ledgers that remove rows from it."""

    index: int
    num_rows: int
    files: tuple[FileColumns, ...]
    removals: tuple[str, ...]
    columns: tuple[str, ...]
    """Columns in the order in which the view offers them."""
    with_position: bool
    rejects: str | None = None
    """Over sources: the ledger of the reading that numbered the records, if some of them are no documents."""
    absent: tuple[pa.Field, ...] = ()
    """Columns that only tables behind the base have: null here."""

    def removed_rows(self) -> Rows:
        """Rows that any bound artifact removed, or that are no documents, ascending, each once."""
        parts = [removed_rows(path) for path in self.removals]
        if self.rejects is not None:
            parts.append(removed_rows(self.rejects, operator=READ))
        return np.unique(np.concatenate(parts)) if parts else np.empty(0, np.uint32)

    def batches(self, size: BatchSize) -> Iterator[tuple[pa.RecordBatch, Rows]]:
        """Batches of the rows that are still there, with each row's number in the base.

        Raises:
            StorageError: the files hold another number of rows than the manifest says, or a removal names no row.
        """
        gone = self.removed_rows()
        start = num_removed = 0
        for batch in read_aligned(self.files, size):
            rows = np.arange(start, start + batch.num_rows, dtype=np.uint32)
            start += batch.num_rows
            first, last = np.searchsorted(gone, [rows[0], rows[-1] + np.int64(1)])
            if last > first:
                keep = np.ones(len(rows), bool)
                keep[gone[first:last] - rows[0]] = False
                num_removed += int(last - first)
                batch = batch.filter(pa.array(keep))  # noqa: PLW2901
                rows = rows[keep]
            yield self._arranged(batch, rows), rows
        if (start, num_removed) != (self.num_rows, len(gone)):
            raise StorageError(
                f"shard files {[file.path for file in self.files]}: expected {self.num_rows} rows and {len(gone)} of "
                f"them removed, as manifests say; found {start} and {num_removed}; remove the step's folder and run "
                "again"
            )

    def narrowed(self, columns: Sequence[str]) -> "ViewShard":
        """This shard with no more of its columns than these: others are not read from disk."""
        wanted = set(columns)
        first, *rest = self.files  # what counts the rows
        files = [FileColumns(first.path, tuple(name for name in first.names if name in wanted) or first.names[:1])]
        files += [
            FileColumns(file.path, names)
            for file in rest
            if (names := tuple(name for name in file.names if name in wanted))
        ]
        return replace(self, files=tuple(files), columns=tuple(name for name in self.columns if name in wanted))

    def _arranged(self, batch: pa.RecordBatch, rows: Rows) -> pa.RecordBatch:
        batch = self.offered(batch)
        return with_positions(batch, self.index, rows) if self.with_position else batch

    def offered(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """The columns that the view offers, in its order, of rows that may lack some."""
        for column in self.absent:
            if column.name in self.columns:
                batch = batch.append_column(column, pa.nulls(batch.num_rows, column.type))
        return batch.select(list(self.columns))


def with_positions(batch: pa.RecordBatch, shard: int, rows: Rows) -> pa.RecordBatch:
    """The batch with the virtual column of its rows' places in their base."""
    positions = (np.uint64(shard) << np.uint64(32)) | rows.astype(np.uint64)
    return batch.append_column(pa.field(POSITION, POSITION_TYPE, nullable=False), pa.array(positions))


def removed_rows(ledger: str, *, operator: str | None = None, action: Action | None = None) -> Rows:
    """Rows that a ledger file drops or quarantines, ascending; those of one operator or action alone, if named."""
    copy = local_copy(ledger)
    check_content(copy)
    table = pq.read_table(copy, columns=["row", "action", "operator"], memory_map=True, use_threads=False)
    if operator is not None:
        table = table.filter(pa.compute.equal(table["operator"], operator))
    actions = [Action.DROP, Action.QUARANTINE] if action is None else [action]
    gone = table.filter(pa.compute.is_in(table["action"], pa.array(actions, pa.string())))["row"].to_numpy()
    return np.sort(gone).astype(np.uint32)


def view_shards(
    base: Manifest, bound: Sequence[Manifest], columns: Sequence[str], *, with_position: bool
) -> tuple[ViewShard, ...]:
    """The shards of a view of a base, ready to be read anywhere that sees the files."""
    for artifact in bound:
        if artifact.base_fingerprint != base.fingerprint:
            raise StorageError(
                f"step {artifact.step}: expected to belong to base {base.step} {base.fingerprint[:12]}; "
                f"found base {artifact.base_step} {artifact.base_fingerprint}"
            )
    first = tuple(base.columns)[:1]
    files = _files(base, DATA, tuple(base.columns), bound, columns, at_least=first)
    return tuple(
        ViewShard(index, rows, files[index], _ledgers(bound, index), tuple(columns), with_position)
        for index, rows in enumerate(base.shard_rows)
    )


def record_shards(
    reader: Manifest, bound: Sequence[Manifest], columns: Sequence[str], *, with_position: bool
) -> tuple[ViewShard, ...]:
    """The shards of a view of sources, as far as steps left it: ids, and the columns and removals that are bound.

    Args:
        reader: the first reading of the sources, whose identity files have a row for each record.
    """
    for artifact in bound:
        if artifact.base_fingerprint != reader.base_fingerprint:
            raise StorageError(
                f"step {artifact.step}: expected to belong to the records that {reader.step} read "
                f"({str(reader.base_fingerprint)[:12]}); found {artifact.base_fingerprint}"
            )
    names = tuple(IDENTITY_SCHEMA.names)
    files = _files(reader, IDENTITY, names, bound, columns, at_least=names[:1])
    shards = []
    for index, rows in enumerate(reader.shard_records):
        has_rejects = any(rule.startswith(f"{READ}/") for rule in reader.shards[index].rules)
        rejects = reader.path(index, LEDGER) if has_rejects else None
        removals = _ledgers(bound, index)
        shards.append(ViewShard(index, rows, files[index], removals, tuple(columns), with_position, rejects))
    return tuple(shards)


def _files(
    origin: Manifest,
    role: str,
    names: tuple[str, ...],
    bound: Sequence[Manifest],
    columns: Sequence[str],
    *,
    at_least: tuple[str, ...],
) -> list[tuple[FileColumns, ...]]:
    """For each shard the files that hold `columns`: first the one whose rows the others have, then bound ones."""
    wanted = set(columns)
    holders = [(origin, role, tuple(name for name in names if name in wanted) or at_least)]
    holders += [(artifact, DATA, tuple(name for name in artifact.columns if name in wanted)) for artifact in bound]
    return [
        tuple(
            FileColumns(path, held)
            for artifact, folder, held in holders
            if held and (path := artifact.path(shard, folder)) is not None
        )
        for shard in range(len(origin.shards))
    ]


def _ledgers(bound: Sequence[Manifest], shard: int) -> tuple[str, ...]:
    return tuple(path for artifact in bound if (path := artifact.path(shard, LEDGER)) is not None)


@dataclass(frozen=True, slots=True)
class ShardRows:
    """Rows of a view's shards as a task sees them: all that the view still holds."""

    shards: tuple[ViewShard, ...]
    schema: pa.Schema
    batch_size: BatchSize

    def batches(self, columns: tuple[str, ...] | None = None) -> Iterator[tuple[int, pa.RecordBatch]]:
        """(shard, batch) pairs in shard and row order."""
        for shard in self.shards:
            read = shard if columns is None else shard.narrowed(columns)
            for batch, _ in read.batches(self.batch_size):
                if batch.num_rows:
                    yield shard.index, batch if columns is None else batch.select(list(columns))
