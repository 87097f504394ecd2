"""The laws that all ways to pack keep."""

import io
import itertools
from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from operators.pack import concat_and_chunk
from operators.pack.best_fit import BestFit
from operators.pack.concat_and_chunk import ConcatAndChunk
from operators.pack.first_fit import FirstFit
from operators.pack.length_sorted_greedy import LengthSortedGreedy
from operators.pack.packed_table import packed_schema
from operators.pack.packing import Packing, WholeDocuments
from operators.pack.token_buffer import REQUIRED
from pipeline.errors import SchemaError
from tests.unit.operators.pack.packed import PAD, described, documents, packed, pieces_of

WHOLE = (BestFit, FirstFit, LengthSortedGreedy)
ALL = pytest.mark.parametrize("packer", [*WHOLE, ConcatAndChunk])
WINDOW = 9
LENGTHS = st.lists(
    st.one_of(st.sampled_from([0, 1, WINDOW, WINDOW + 1, WINDOW + 2, 5 * WINDOW + 1]), st.integers(0, 30)), max_size=25
)
Packer = Callable[..., Packing]


@ALL
@settings(deadline=None, max_examples=50)  # the first call compiles
@given(lengths=LENGTHS, extra=st.sampled_from([0, 1]), goes_on=st.booleans(), shorter=st.integers(1, WINDOW))
def test_every_token_is_counted_once_and_described(
    packer: Packer, lengths: list[int], extra: int, goes_on: bool, shorter: int
) -> None:
    window = WINDOW + 1 - shorter
    positions = "continue" if goes_on else "restart"
    operator = packer(window=window, extra_token=extra, pad_token=PAD, continued_positions=positions)
    batch = documents(lengths)
    table = packed(operator, batch)
    table.validate(full=True)
    doc_ids = batch["doc_id"].to_pylist()
    owner = [doc_ids[document] for document, length in enumerate(lengths) for _ in range(length)]
    starts = set(np.cumsum([0, *lengths]).tolist())
    found: list[int] = []
    for row in table.to_pylist():
        num_ids = sum(token != PAD for token in row["input_ids"])
        assert row["input_ids"][num_ids:] == [PAD] * (window + extra - num_ids)
        assert {name: row[name] for name in ("position_ids", "segment_ids", "loss_mask")} == described(
            row["input_ids"], lengths, positions_continue=goes_on
        )
        own = row["input_ids"][: row["num_tokens"]]
        assert 0 < len(own) <= operator.capacity
        assert num_ids - len(own) in (0, 1 if packer is ConcatAndChunk else 0)
        found += own
        pieces = [piece for piece in pieces_of(row) if piece[0] in set(own)]
        assert row["doc_ids"] == [owner[piece[0]] for piece in pieces]
        assert row["num_continued"] == sum(piece[0] not in starts for piece in pieces)
        assert row["num_truncated"] == 0
    assert sorted(found) == list(range(sum(lengths)))


@pytest.mark.parametrize("packer", WHOLE)
@settings(deadline=None, max_examples=50)
@given(lengths=LENGTHS, window=st.integers(1, 12), truncates=st.booleans(), part=st.integers(1, 7))
def test_only_documents_longer_than_a_row_are_cut(
    packer: Packer, lengths: list[int], window: int, truncates: bool, part: int
) -> None:
    min_piece = min(part, (window + 1) // 2)
    operator = packer(
        window=window, pad_token=PAD, long_documents="truncate" if truncates else "split", min_piece=min_piece
    )
    batch = documents(lengths)
    table = packed(operator, batch)
    pieces: dict[bytes, list[list[int]]] = {}
    for row in table.to_pylist():
        for doc_id, piece in zip(row["doc_ids"], pieces_of(row), strict=True):
            pieces.setdefault(doc_id, []).append(piece)
    for doc_id, tokens in zip(batch["doc_id"].to_pylist(), batch["tokens"].to_pylist(), strict=True):
        length = len(tokens)
        own = sorted(pieces.get(doc_id, []))
        if length <= window or truncates:
            assert own == ([tokens[:window]] if length else [])
        else:
            assert list(itertools.chain(*own)) == tokens
            assert len(own) == -(-length // window)
            assert min(map(len, own)) >= min_piece
    cut = sum(max(0, length - window) for length in lengths) if truncates else 0
    assert sum(table["num_truncated"].to_pylist()) == cut
    read, written, lost = operator.conserves()
    assert sum(batch[read].to_pylist()) == sum(table[written].to_pylist()) + sum(table[lost].to_pylist())


@ALL
@settings(deadline=None, max_examples=40)
@given(lengths=LENGTHS, extra=st.sampled_from([0, 1]))
def test_the_ends_of_pieces_say_what_the_columns_say(packer: Packer, lengths: list[int], extra: int) -> None:
    batch = documents(lengths)
    full = packed(packer(window=WINDOW, extra_token=extra, pad_token=PAD), batch)
    brief = packed(packer(window=WINDOW, extra_token=extra, pad_token=PAD, boundaries="cu_seqlens"), batch)
    brief.validate(full=True)
    for row, short in zip(full.to_pylist(), brief.to_pylist(), strict=True):
        ends = short.pop("cu_seqlens")
        segments, _, _ = (row.pop(name) for name in ("segment_ids", "position_ids", "loss_mask"))
        assert short == row
        assert ends[0] == 0
        assert [n for n, (a, b) in enumerate(itertools.pairwise(ends), start=1) for _ in range(b - a)] == [
            segment for segment in segments if segment
        ]


@ALL
@settings(deadline=None, max_examples=40)
@given(
    lengths=LENGTHS,
    extra=st.sampled_from([0, 1]),
    cuts=st.lists(st.integers(0, 25), max_size=4),
    small=st.booleans(),
)
def test_splitting_batches_changes_nothing(
    packer: Packer, lengths: list[int], extra: int, cuts: list[int], small: bool
) -> None:
    batch = documents(lengths)
    bounds = [0, *sorted(min(cut, len(lengths)) for cut in cuts), len(lengths)]
    parts = [batch.slice(a, b - a) for a, b in itertools.pairwise(bounds)]
    operator = packer(window=WINDOW, extra_token=extra, pad_token=PAD, continued_positions="continue")
    whole = packed(operator, batch)
    with pytest.MonkeyPatch.context() as patch:
        if small:  # so that concatenation streams instead of seeing the whole shard at its end
            patch.setattr(concat_and_chunk, "BATCH_TOKENS", 1)
        assert packed(operator, *parts) == whole


@ALL
def test_rows_of_many_output_batches_equal_rows_of_one(packer: Packer, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    batch = documents(rng.integers(0, 90, 60).tolist())
    operator = packer(window=32)
    whole = packed(operator, batch)
    monkeypatch.setattr("operators.pack.packed_rows.BATCH_TOKENS", 64)
    assert packed(operator, batch) == whole
    assert len(packed(operator, batch)["num_tokens"].chunks) > 1


@ALL
def test_no_tokens_no_windows(packer: Packer) -> None:
    operator = packer(window=8)
    assert packed(operator, documents([0, 0])).num_rows == 0
    assert packed(operator, documents([])).num_rows == 0
    assert packed(operator).num_rows == 0


@ALL
def test_rows_survive_parquet(packer: Packer) -> None:
    table = packed(packer(window=4, extra_token=0), documents([7, 2, 9]))
    file = io.BytesIO()
    pq.write_table(table, file)
    assert pq.read_table(file).schema == packed_schema(4)
    assert pq.read_table(file) == table


@ALL
def test_a_row_without_tokens_is_refused(packer: Packer) -> None:
    ids = pa.array([bytes(16), bytes(16)], REQUIRED[0].type)
    batch = pa.record_batch({"doc_id": ids, "tokens": pa.array([[1], None], REQUIRED[1].type)})
    with pytest.raises(SchemaError, match="found 1 rows without tokens"):
        packed(packer(window=4), batch)


def test_the_least_piece_leaves_the_piece_before_it_one_as_long() -> None:
    assert BestFit(window=7, min_piece=4).min_piece == 4
    with pytest.raises(ValidationError, match="min_piece: expected 4 or less, half of a row of 7 tokens; found 5"):
        BestFit(window=7, min_piece=5)


@ALL
def test_ends_of_pieces_cannot_say_positions_that_continue(packer: Packer) -> None:
    with pytest.raises(ValidationError, match="boundaries: expected ids where continued_positions is continue"):
        packer(window=7, boundaries="cu_seqlens", continued_positions="continue")


def test_a_row_counts_what_it_can_hold() -> None:
    assert (ConcatAndChunk(window=7).capacity, ConcatAndChunk(window=7).row_length) == (7, 8)
    whole: WholeDocuments = BestFit(window=7, extra_token=1)
    assert (whole.capacity, whole.row_length) == (8, 8)
