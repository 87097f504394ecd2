"""What happened to one document: where it was read, what each step did with it, and where it is now.

Follows the doc_id from artifact to artifact through ledgers and identity files, with DuckDB over Parquet. Text is not
in there: it is read again from the input.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pyarrow.parquet as pq

from pipeline.artifact import DATA, IDENTITY, LEDGER, VALUES, Manifest
from pipeline.document import DOC_ID
from pipeline.errors import StorageError
from pipeline.execution.judged_rows import ROW
from pipeline.io.reading import read_record
from pipeline.io.scratch import local_copy
from pipeline.io.store import place_of
from pipeline.ledger import READ
from pipeline.plan.logical import BASE_KINDS, BOUND_KINDS, ArtifactKind
from pipeline.recipe import Catalogue
from pipeline.recorded_run import RecordedRun, RecordedStep
from pipeline.report.copies import num_copies, original_of
from pipeline.report.file_query import query_files
from pipeline.report.judged_steps import broken_rules, judged_step
from pipeline.report.lineage import Lineage, TokenRange
from pipeline.rule_set import RuleSet

_SHOWN_TYPES = ("int", "float", "double", "bool", "string", "uint")
_HIDDEN_COLUMNS = frozenset({"text", "metadata", "doc_id", "input_id", "source"})


@dataclass(frozen=True, slots=True)
class FateEvent:
    """One thing that happened."""

    step: str
    action: str
    """read, copy (what was asked for is one of it), annotate, keep, drop, edit, quarantine, breaks (a rule that would
    drop it too), stored, packed (once for each window) or written (into a trainer's files)."""
    operator: str = ""
    rule: str = ""
    value: float | None = None
    threshold: float | None = None
    survivor: str | None = None
    """doc_id, in hex, of the document that stays."""
    survivor_input_id: str | None = None
    detail: str = ""
    tokens: TokenRange | None = None
    """Where its tokens lie, if it was stored or packed with them."""


@dataclass(frozen=True, slots=True)
class Fate:
    """Everything that happened to one document."""

    doc_id: str
    input_id: str | None
    source: str
    path: str
    position: int
    """In the input file: first byte in the decompressed stream, or row ordinal."""
    events: tuple[FateEvent, ...]
    verdict: str
    """kept, dropped or quarantined."""
    text: str | None = None
    """Start of its text, read again from the input; None if that is gone."""


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the document is in a base: shard and row."""

    shard: int
    row: int


def find_fates(
    run: RecordedRun, document: str, catalogue: Catalogue | None = None, *, text_chars: int = 300
) -> tuple[Fate, ...]:
    """The fate of every document with that doc_id (32 hex digits) or that id of its own in the input.

    Args:
        run: where to look.
        document: its doc_id or its own id.
        catalogue: given it, every rule is told that the document breaks, in steps that keep values.
        text_chars: of its text.

    Raises:
        StorageError: nothing of that name was read.
    """
    manifests = run.manifests()
    steps = {step.step: step for step in run.steps if step.step in manifests}
    readers = _readers(steps)
    copied = original_of(manifests, bytes.fromhex(document)) if _is_doc_id(document) else None
    if copied is not None:
        original = copied[1].hex()
        event = FateEvent(copied[0], "copy", detail=f"{document} is a copy of {original}")
        found = find_fates(run, original, catalogue, text_chars=text_chars)
        return tuple(replace(fate, events=(fate.events[0], event, *fate.events[1:])) for fate in found)
    fates: list[Fate] = []
    for step in readers:
        identities = _find_identity(manifests[step.step], document)
        fates.extend(_follow(run, steps, manifests, step, found, catalogue, text_chars) for found in identities)
    if not fates:
        raise _not_found(document, run, [manifests[step.step] for step in readers])
    return tuple(fates)


def _not_found(document: str, run: RecordedRun, readers: Sequence[Manifest]) -> StorageError:
    unfinished = [name for name in run.unfinished() if any(step.step == name and step.sources for step in run.steps)]
    waiting = f"; not finished: {unfinished}; run the recipe to its end" if unfinished else ""
    if not readers:
        return StorageError(f"document {document!r}: expected a finished step that reads sources; found none{waiting}")
    read = sum(manifest.total("rows_read") for manifest in readers)
    return StorageError(
        f"document {document!r}: expected a doc_id (32 hex digits) or an id of the input; none of the {read} records "
        f"that were read has it; steps that read sources: {[manifest.step for manifest in readers]}{waiting}"
    )


def _follow(
    run: RecordedRun,
    steps: Mapping[str, RecordedStep],
    manifests: Mapping[str, Manifest],
    reader: RecordedStep,
    found: "_Identity",
    catalogue: Catalogue | None,
    text_chars: int,
) -> Fate:
    manifest = manifests[reader.step]
    entry = manifest.shards[found.shard].inputs[found.split]
    start = _Place(found.shard, found.row)
    read = FateEvent(reader.step, "read", detail=f"source {entry['source']}, {entry['path']} at {found.position}")
    way = _Way(found.doc_id, manifests, Lineage(steps.values(), manifests), catalogue, [read])
    for step in steps.values():
        if way.is_at_its_end:
            break
        if step.sources:
            way.through(step, [start] if _has_records_of(step, reader) else [])
        else:
            way.through(step, way.places.get(step.base or "", []))
    verdict = {"drop": "dropped", "quarantine": "quarantined"}.get(way.end, "kept")
    imported = run.imported()
    named = tuple(_with_survivor_name(event, steps, manifests, imported) for event in way.events)
    return Fate(
        found.doc_id.hex(),
        found.input_id,
        str(entry["source"]),
        str(entry["path"]),
        found.position,
        named,
        verdict,
        _text(run, entry, found.position, text_chars),
    )


@dataclass(slots=True)
class _Way:
    """What happens to one document from step to step, and where it is."""

    doc_id: bytes
    manifests: Mapping[str, Manifest]
    lineage: Lineage
    catalogue: Catalogue | None
    events: list[FateEvent]
    end: str = ""
    """How it left first: drop or quarantine."""
    is_at_its_end: bool = False
    """Whether it never was a document."""
    places: dict[str, list[_Place]] = field(default_factory=dict)
    """Its rows in bases, by step; several where it stands there more than once."""
    windows: dict[str, set[int]] = field(default_factory=dict)
    """Shards of packed tables that hold tokens of it, by step."""

    def through(self, step: RecordedStep, places: Sequence[_Place]) -> None:
        """Follows it through a step in whose view it has these rows, or whose view is a packed table."""
        shards = {place.shard for place in places if self._stays(step, place)} | self.windows.get(
            step.base or "", set()
        )
        if self.is_at_its_end or not shards:
            return
        if step.kind == ArtifactKind.FILES:
            self._written(step, shards)
        elif step.kind in BASE_KINDS:
            self._kept(step, shards)

    def _written(self, step: RecordedStep, shards: Collection[int]) -> None:
        knows = self.lineage.holds_tokens(step.step)
        for shard in sorted(shards):
            names = ", ".join(self.manifests[step.step].dataset_files(shard))
            ranges = self.lineage.ranges(step.step, self.doc_id, {shard}) if knows else ()
            self.events += [FateEvent(step.step, "written", detail=str(tokens), tokens=tokens) for tokens in ranges]
            if not ranges:
                self.events.append(FateEvent(step.step, "written", detail=f"shard {shard}, in {names}"))

    def _kept(self, step: RecordedStep, shards: Collection[int]) -> None:
        searched = None if step.moves_rows else shards
        if self.lineage.is_packed(step.step):
            ranges = self.lineage.ranges(step.step, self.doc_id, searched)
            self.windows[step.step] = {tokens.shard for tokens in ranges}
            self.events += [FateEvent(step.step, "packed", detail=str(tokens), tokens=tokens) for tokens in ranges]
        else:
            self._stored(step, searched)

    def _stays(self, step: RecordedStep, place: _Place) -> bool:
        """Notes what the step does with one of its rows, if that is still in its view."""
        if any(_is_removed(self.manifests[name], place) for name in step.bound):
            return False
        happened = list(_in_step(step, self.manifests, place))
        if self.catalogue is not None and happened:
            happened += _also_broken(self.manifests[step.step], place, self.catalogue, happened)
        self.events += happened
        gone = next((event for event in happened if event.action in ("drop", "quarantine")), None)
        if gone is not None:
            self.end = self.end or gone.action
            self.is_at_its_end = gone.operator == READ
        return gone is None

    def _stored(self, step: RecordedStep, shards: Collection[int] | None) -> None:
        manifest = self.manifests[step.step]
        found: list[tuple[_Place, str, TokenRange | None]]
        if self.lineage.holds_tokens(step.step):
            ranges = self.lineage.ranges(step.step, self.doc_id, shards)
            found = [(_Place(tokens.shard, tokens.row), str(tokens), tokens) for tokens in ranges]
        else:
            rows = _locate(manifest, shards, self.doc_id)
            found = [(place, f"shard {place.shard}, row {place.row}", None) for place in rows]
        copies = num_copies(manifest, self.doc_id)
        told = {} if copies is None else {"copies": copies}
        for place, where, tokens in found:
            values = _spelled(_column_values(manifest, place) | told)
            detail = where + (values and f": {values}")
            self.events.append(FateEvent(step.step, "stored", detail=detail, tokens=tokens))
        self.places[step.step] = [place for place, _, _ in found]


def _readers(steps: Mapping[str, RecordedStep]) -> list[RecordedStep]:
    """First readings of sources. Of those over the same records, one tells about all."""
    first = [step for step in steps.values() if step.reader == step.step]
    chosen: list[RecordedStep] = []
    for step in first:
        if not any(_has_records_of(step, other) for other in chosen):
            chosen.append(step)
    return chosen


def _has_records_of(step: RecordedStep, reader: RecordedStep) -> bool:
    """Whether a step over sources works on the records of that first reading."""
    if step.step == reader.step:
        return True
    return step.sources == reader.sources and not _makes_base(step) and not _makes_base(reader)


def _makes_base(step: RecordedStep) -> bool:
    """Whether a step reads sources with nothing bound and writes rows of its own, to which others are bound."""
    return step.reader == step.step and step.kind not in BOUND_KINDS


def _in_step(step: RecordedStep, manifests: Mapping[str, Manifest], place: _Place) -> Iterator[FateEvent]:
    """What one step did with a document in its view."""
    manifest = manifests[step.step]
    touched = False
    for operator, action, rule, value, threshold, survivor, detail in _ledger_rows(manifest, place):
        touched = True
        yield FateEvent(
            step.step,
            action,
            operator,
            rule,
            value,
            threshold,
            None if survivor is None else bytes(survivor).hex(),
            detail=detail or "",
        )
    if touched and step.kind is not ArtifactKind.COLUMNS:
        return
    if step.kind == ArtifactKind.COLUMNS:
        values = _column_values(manifest, place)
        if values:
            yield FateEvent(step.step, "annotate", detail=_spelled(values))
    elif step.kind == ArtifactKind.FILES:
        names = ", ".join(manifest.dataset_files(place.shard))
        yield FateEvent(step.step, "written", detail=f"shard {place.shard} of the dataset: {names}")
    elif step.kind == ArtifactKind.REMOVALS:
        yield FateEvent(step.step, "keep")


def _also_broken(
    manifest: Manifest, place: _Place, catalogue: Catalogue, happened: Sequence[FateEvent]
) -> list[FateEvent]:
    """Rules that would have dropped the document had others not come first, where the step keeps their values."""
    path = _path(manifest, place.shard, VALUES)
    if path is None:
        return []
    judged = judged_step(manifest.step, manifest, catalogue)
    table = pq.read_table(local_copy(path), filters=[(ROW, "=", place.row)]).combine_chunks()
    told = {(event.operator, event.rule) for event in happened}
    found = []
    for batch in table.to_batches():
        broken = broken_rules(batch, judged.filters)[0]
        for (label, rule), is_broken in zip(judged.rules, broken, strict=True):
            if is_broken and (label, rule) not in told:
                judge = judged.filters[label]
                limits = {limit.rule: limit.limit for limit in judge.limits()} if isinstance(judge, RuleSet) else {}
                value = batch[f"{label}/{rule}"][0].as_py() if limits else None
                found.append(FateEvent(manifest.step, "breaks", label, rule, value, limits.get(rule)))
    return found


@dataclass(frozen=True, slots=True)
class _Identity:
    shard: int
    row: int
    doc_id: bytes
    input_id: str | None
    split: int
    position: int


def _find_identity(manifest: Manifest, document: str) -> Iterator[_Identity]:
    files = {
        path: shard.index for shard in manifest.shards if (path := manifest.path(shard.index, IDENTITY)) is not None
    }
    if not files:
        return
    paths = list(files)
    wanted: list[object] = [document]
    condition = "input_id = $2"
    if _is_doc_id(document):
        condition = "(doc_id = $3 or input_id = $2)"
        wanted.append(bytes.fromhex(document))
    select = 'select list_position($1, filename) - 1, file_row_number, doc_id, input_id, split, "offset" from '
    table = "read_parquet($1, filename=true, file_row_number=true)"
    rows = query_files(f"{select} {table} where {condition} order by 1, 2", paths, *wanted)
    for place, row, doc_id, input_id, split, position in rows:
        yield _Identity(files[paths[place]], row, bytes(doc_id), input_id, split, position)


def _is_doc_id(document: str) -> bool:
    return len(document) == 32 and all(digit in "0123456789abcdef" for digit in document.lower())


def _ledger_rows(manifest: Manifest, place: _Place) -> list[tuple[Any, ...]]:  # Any: DuckDB values
    path = _path(manifest, place.shard, LEDGER)
    if path is None:
        return []
    return query_files(
        "select operator, action, rule, value, threshold, survivor, detail from read_parquet($1, file_row_number=true) "
        "where row = $2 order by file_row_number",
        [path],
        place.row,
    )


def _is_removed(manifest: Manifest, place: _Place) -> bool:
    return any(action != "edit" for _, action, *_ in _ledger_rows(manifest, place))


def _locate(manifest: Manifest, shards: Collection[int] | None, doc_id: bytes) -> list[_Place]:
    """The document's rows in these shards, or in all."""
    if DOC_ID not in manifest.columns:
        return []
    searched = range(len(manifest.shards)) if shards is None else sorted(shards)
    files = {path: shard for shard in searched if (path := _path(manifest, shard, DATA)) is not None}
    if not files:
        return []
    paths = list(files)
    rows = query_files(
        "select list_position($1, filename) - 1, file_row_number "
        "from read_parquet($1, filename=true, file_row_number=true) where doc_id = $2 order by 1, 2",
        paths,
        doc_id,
    )
    return [_Place(files[paths[place]], row) for place, row in rows]


def _column_values(manifest: Manifest, place: _Place) -> dict[str, Any]:  # Any: DuckDB values
    """Small values of the row: numbers and short strings."""
    names = [
        name
        for name, kind in manifest.columns.items()
        if name not in _HIDDEN_COLUMNS and any(shown in kind for shown in _SHOWN_TYPES) and "list" not in kind
    ]
    path = _path(manifest, place.shard, DATA)
    if not names or path is None:
        return {}
    chosen = ", ".join('"' + name.replace('"', '""') + '"' for name in names)
    rows = query_files(
        f"select {chosen} from read_parquet($1, file_row_number=true) where file_row_number = $2",  # noqa: S608 - quoted
        [path],
        place.row,
    )
    return {name: value for name, value in zip(names, rows[0], strict=True) if value is not None} if rows else {}


def _spelled(values: Mapping[str, Any]) -> str:  # Any: DuckDB values
    return ", ".join(
        f"{name} = {value:.6g}" if isinstance(value, float) else f"{name} = {value}" for name, value in values.items()
    )


def _with_survivor_name(
    event: FateEvent,
    steps: Mapping[str, RecordedStep],
    manifests: Mapping[str, Manifest],
    imported: Mapping[str, Manifest],
) -> FateEvent:
    """The event with the survivor's own id, or with the import that holds it."""
    if event.survivor is None:
        return event
    for step in _readers(steps):
        for found in _find_identity(manifests[step.step], event.survivor):
            return replace(event, survivor_input_id=found.input_id)
    for name, manifest in imported.items():
        if _holds(manifest, bytes.fromhex(event.survivor)):
            return replace(event, detail=f"the survivor is in {name}")
    return event


def _holds(manifest: Manifest, doc_id: bytes) -> bool:
    """Whether an artifact of another run has a row of that document."""
    files = [path for shard in manifest.shards if (path := manifest.path(shard.index, DATA)) is not None]
    if DOC_ID not in manifest.columns or not all(place_of(path).is_file() for path in files):
        return False
    return bool(query_files("select 1 from read_parquet($1) where doc_id = $2 limit 1", files, doc_id))


def _text(run: RecordedRun, entry: Mapping[str, Any], position: int, num_chars: int) -> str | None:  # Any: JSON
    source = run.sources().get(str(entry["source"]))
    if source is None:
        return None
    try:
        path = source.root + str(entry["path"])
        record = read_record(path, source.format, position, source.max_document_bytes, source.max_expansion)
    except StorageError:
        return None
    text = record.get(source.text_column)
    if isinstance(text, bytes):  # some writers store strings without saying so
        text = text.decode(errors="replace")
    return text[:num_chars] if isinstance(text, str) else None


def _path(manifest: Manifest, shard: int, role: str) -> str | None:
    """A file of that shard; None where a task or an exchange left fewer shards than the base has."""
    return manifest.path(shard, role) if shard < len(manifest.shards) else None
