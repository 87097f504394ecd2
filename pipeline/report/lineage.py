"""Where the tokens of a document lie in what a run left, and whose a token is.

A shard's tokens are one stream: those of its rows, one after another, without padding. Lengths and ids of rows say
where each document lies in it; tokens are not read. Ranges are half open, as in Python.

Dimension letters: D rows of a shard, P pieces of a window.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.artifact import DATA, LEDGER, Manifest, removed_rows
from pipeline.document import DOC_ID
from pipeline.errors import PlanError
from pipeline.io.scratch import local_copy
from pipeline.plan.logical import BASE_KINDS, ArtifactKind
from pipeline.recorded_run import RecordedStep

NUM_TOKENS: Final = "num_tokens"
DOC_IDS: Final = "doc_ids"
SEGMENT_IDS: Final = "segment_ids"
CU_SEQLENS: Final = "cu_seqlens"

Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class TokenRange:
    """Neighbouring tokens of one document in a shard."""

    shard: int
    row: int
    """Of the document, or the window."""
    start: int
    """In the shard's stream of tokens."""
    end: int
    place: int | None = None
    """Of the first of them among the ids of the window; None where rows are documents."""
    files: tuple[str, ...] = ()
    """Names of the shard's files in the dataset of a trainer; `row` is then that of the base."""

    def __str__(self) -> str:
        """In one line, for people."""
        tokens = f"tokens {self.start}:{self.end}" + (f" of {', '.join(self.files)}" if self.files else "")
        if self.place is None:
            return f"shard {self.shard}, row {self.row}, {tokens}"
        ids = f"ids {self.place}:{self.place + self.end - self.start}"
        return f"shard {self.shard}, window {self.row}, {ids}, {tokens}"


@dataclass(frozen=True, slots=True)
class TokenOwner:
    """Whose a token is."""

    step: str
    token: int
    """In the shard's stream."""
    doc_id: str
    """In hex."""
    tokens: TokenRange
    """The document's tokens around it: all of them, or its piece in the window."""

    def __str__(self) -> str:
        """In one line, for people."""
        place = self.token - self.tokens.start
        of = "document" if self.tokens.place is None else "piece"
        return f"token {place} of a {of} of {self.tokens.end - self.tokens.start}, {self.tokens}"


@dataclass(frozen=True, slots=True)
class _Piece:
    """Tokens of one document within a row."""

    row: int
    doc_id: bytes
    start: int
    """Among the row's tokens."""
    end: int


class Lineage:
    """Tokens of a run's artifacts: documents with `num_tokens`, packed rows, and what trainers' files hold of both.

    Args:
        steps: of the run.
        manifests: of those that are finished.
    """

    def __init__(self, steps: Iterable[RecordedStep], manifests: Mapping[str, Manifest]) -> None:
        self._steps = {step.step: step for step in steps}
        self._manifests = manifests

    def holds_tokens(self, step: str) -> bool:
        """Whether the rows of what a step left are a stream of tokens whose documents are known."""
        origin = self._origin(step)
        return origin is not None and (_is_store(origin) or _is_packed(origin))

    def is_packed(self, step: str) -> bool:
        """Whether its rows are windows."""
        return self.holds_tokens(step) and _is_packed(self._manifests[step])

    def ranges(self, step: str, doc_id: bytes, shards: Collection[int] | None = None) -> tuple[TokenRange, ...]:
        """Where the tokens of a document lie in what a step left, in shard and row order.

        Args:
            step: one that holds tokens.
            doc_id: of the document.
            shards: in which to look; default: all.
        """
        found: list[TokenRange] = []
        for shard in range(len(self._manifests[step].shards)) if shards is None else sorted(shards):
            rows = self._rows(step, shard)
            pieces = list(rows.pieces_of(doc_id))
            stream = self._stream(step, shard, rows) if pieces else None
            if stream is not None:
                found += [stream.range_of(piece) for piece in pieces if stream.has(piece)]
        return tuple(found)

    def owner(self, step: str, shard: int, token: int) -> TokenOwner:
        """Whose a token of a shard is.

        Raises:
            PlanError: there is no such step, shard or token.
        """
        self._check(step, shard)
        stream = self._stream(step, shard, self._rows(step, shard))
        if stream is None:
            raise PlanError(
                f"step {step!r}, shard {shard}: expected as many tokens in its files as in the rows of its base; found "
                "others, as the step changes them; let a step before it do so, and leave a token store"
            )
        if not 0 <= token < stream.num_tokens:
            tokens = f"a token from 0 to {stream.num_tokens - 1}" if stream.num_tokens else "no token, as it holds none"
            raise PlanError(f"step {step!r}, shard {shard}: expected {tokens}; found {token}; correct the number")
        piece = stream.piece_at(token)
        return TokenOwner(step, token, piece.doc_id.hex(), stream.range_of(piece))

    def _origin(self, step: str) -> Manifest | None:
        """The artifact whose rows they are: a trainer's files hold those of their base."""
        manifest = self._manifests.get(step)
        if manifest is None or manifest.kind is not ArtifactKind.FILES:
            return manifest
        return self._manifests.get(self._steps[step].base or "")

    def _rows(self, step: str, shard: int) -> "_Rows":
        origin = self._origin(step)
        assert origin is not None
        # A task or an exchange may leave fewer shards than the base has.
        path = origin.path(shard, DATA) if shard < len(origin.shards) else None
        return _Rows(path, SEGMENT_IDS if SEGMENT_IDS in origin.columns else CU_SEQLENS, _is_packed(origin))

    def _stream(self, step: str, shard: int, rows: "_Rows") -> "_Stream | None":
        """The stream of a shard; None where a trainer's files hold other tokens than the rows of their base."""
        lengths = rows.lengths()
        kept = np.arange(len(lengths))
        manifest = self._manifests[step]
        if manifest.kind is not ArtifactKind.FILES:
            return _Stream(shard, rows, kept, lengths)
        bound = [self._manifests[name] for name in self._steps[step].bound]
        for artifact in (*bound, manifest):
            ledger = artifact.path(shard, LEDGER)
            kept = kept if ledger is None else np.setdiff1d(kept, removed_rows(ledger))
        stream = _Stream(shard, rows, kept, lengths[kept], manifest.dataset_files(shard))
        return stream if stream.num_tokens == manifest.shards[shard].counts["conserved_out"] else None

    def _check(self, step: str, shard: int) -> None:
        if not self.holds_tokens(step):
            known = [name for name in self._manifests if self.holds_tokens(name)]
            raise PlanError(
                f"step {step!r}: expected a finished step that left tokens of known documents; found none of that "
                f"name; steps that did: {known}"
            )
        num_shards = len(self._manifests[step].shards)
        if not 0 <= shard < num_shards:
            raise PlanError(
                f"step {step!r}: expected a shard from 0 to {num_shards - 1}; found {shard}; correct the number"
            )


@dataclass(frozen=True, slots=True)
class _Rows:
    """A file of documents, or of windows."""

    path: str | None
    """None: there are no rows."""
    boundaries: str
    """Column that says where the pieces of a window lie."""
    is_packed: bool

    def lengths(self) -> Numbers:
        """(D,) tokens of each row."""
        if self.path is None:
            return np.empty(0, np.int64)
        with pq.ParquetFile(local_copy(self.path), memory_map=True) as file:
            lengths: Numbers = file.read([NUM_TOKENS], use_threads=False)[NUM_TOKENS].to_numpy().astype(np.int64)
        return lengths

    def pieces_of(self, doc_id: bytes) -> Iterator[_Piece]:
        """A document's pieces, in order."""
        rows = [] if self.path is None else _rows_with(self.path, doc_id, DOC_IDS if self.is_packed else DOC_ID)
        return (piece for piece in self.pieces_in(rows) if piece.doc_id == doc_id)

    def pieces_in(self, rows: Sequence[int]) -> Iterator[_Piece]:
        """All pieces of these rows, which ascend: a document is one piece."""
        if self.path is None or not rows:
            return
        if not self.is_packed:
            for row, values in _rows(self.path, rows, [DOC_ID, NUM_TOKENS]):
                yield _Piece(row, values[DOC_ID][0].as_py(), 0, values[NUM_TOKENS][0].as_py())
            return
        for row, values in _rows(self.path, rows, [DOC_IDS, NUM_TOKENS, self.boundaries]):
            doc_ids, num_tokens = values[DOC_IDS][0].as_py(), values[NUM_TOKENS][0].as_py()
            told = values[self.boundaries][0].values.to_numpy()
            # What stands behind the row's own tokens is the next row's first token, or padding.
            is_segments = self.boundaries == SEGMENT_IDS
            starts = np.flatnonzero(np.diff(told[:num_tokens], prepend=0)) if is_segments else told[:-1]  # (P,)
            bounds = [*starts[starts < num_tokens].tolist(), num_tokens]
            for doc_id, start, end in zip(doc_ids, bounds[:-1], bounds[1:], strict=True):
                yield _Piece(row, doc_id, start, end)


class _Stream:
    """The tokens of a shard, one row's after another's.

    Args:
        shard: whose they are.
        rows: which hold them.
        kept: (D,) numbers of those of the rows that are in it, ascending.
        lengths: (D,) their tokens.
        files: that hold them in a trainer's format.
    """

    def __init__(self, shard: int, rows: _Rows, kept: Numbers, lengths: Numbers, files: tuple[str, ...] = ()) -> None:
        self._shard = shard
        self._rows = rows
        self._kept = kept
        self._starts = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])  # (D + 1,)
        self._files = files

    @property
    def num_tokens(self) -> int:
        """All of them."""
        return int(self._starts[-1])

    def has(self, piece: _Piece) -> bool:
        """Whether a piece's row is in it."""
        place = np.searchsorted(self._kept, piece.row)
        return bool(place < len(self._kept) and self._kept[place] == piece.row)

    def range_of(self, piece: _Piece) -> TokenRange:
        """Where a piece lies whose row is in it."""
        begin = int(self._starts[np.searchsorted(self._kept, piece.row)])
        place = piece.start if self._rows.is_packed else None
        return TokenRange(self._shard, piece.row, begin + piece.start, begin + piece.end, place, self._files)

    def piece_at(self, token: int) -> _Piece:
        """The piece that holds a token of the stream."""
        place = int(np.searchsorted(self._starts, token, side="right")) - 1
        within = token - int(self._starts[place])
        pieces = self._rows.pieces_in([int(self._kept[place])])
        return next(piece for piece in pieces if piece.start <= within < piece.end)


def _is_store(manifest: Manifest) -> bool:
    return manifest.kind in BASE_KINDS and {DOC_ID, NUM_TOKENS} <= manifest.columns.keys()


def _is_packed(manifest: Manifest) -> bool:
    columns = manifest.columns.keys()
    return (
        manifest.kind in BASE_KINDS and {DOC_IDS, NUM_TOKENS} <= columns and bool({SEGMENT_IDS, CU_SEQLENS} & columns)
    )


def _rows_with(path: str, doc_id: bytes, column: str) -> list[int]:
    """Rows whose id, or one of whose ids, this is."""
    found: list[int] = []
    with pq.ParquetFile(local_copy(path), memory_map=True) as file:
        begin = 0
        for group in range(file.num_row_groups):
            ids = file.read_row_group(group, columns=[column], use_threads=False)[column].combine_chunks()
            rows = np.arange(len(ids))
            if column == DOC_IDS:
                ids, rows = ids.flatten(), pc.list_parent_indices(ids).to_numpy()
            same = pc.equal(ids, pa.scalar(doc_id, ids.type)).to_numpy(zero_copy_only=False).astype(np.bool_)
            found += (begin + np.unique(rows[same])).tolist()
            begin += file.metadata.row_group(group).num_rows
    return found


def _rows(path: str, rows: Sequence[int], columns: list[str]) -> Iterator[tuple[int, pa.Table]]:
    """Single rows of a file, ascending; a row group that holds some of them is read once, in these columns."""
    waiting = list(rows)
    with pq.ParquetFile(local_copy(path), memory_map=True) as file:
        begin = 0
        for group in range(file.num_row_groups):
            end = begin + file.metadata.row_group(group).num_rows
            here = [row for row in waiting if row < end]
            waiting = waiting[len(here) :]
            if here:
                table = file.read_row_group(group, columns=columns, use_threads=False)
                for row in here:
                    yield row, table.slice(row - begin, 1)
            begin = end
