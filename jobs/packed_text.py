"""What packed rows say: how full they are, and the start of the first, decoded with its recipe's tokenizer."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pyarrow.parquet as pq

from operators.pack.packed_table import INPUT_IDS
from operators.pack.packing import Packing
from operators.tokenize.reference import load_tokenizer
from operators.tokenize.tokenizer import NUM_TOKENS, Tokenize
from pipeline.artifact import DATA, Manifest
from pipeline.io.scratch import local_copy
from pipeline.operator import FileRef
from pipeline.plan.logical import BASE_KINDS, Recipe


@dataclass(frozen=True, slots=True)
class PackedText:
    """The first lines of a packed window, and what they are made of."""

    step: str
    """The step that packed."""
    num_tokens: int
    """Tokens of the window that are not padding."""
    ids: tuple[int, ...]
    """The first of them."""
    lines: tuple[str, ...]


def first_packed_text(
    recipe: Recipe, manifests: Mapping[str, Manifest], *, num_lines: int = 5, num_ids: int = 12
) -> PackedText | None:
    """The start of the first window of the last packed step; None where nothing was packed or tokenized.

    Args:
        recipe: with pinned files, as `prepare` returns it.
    """
    for step in reversed(recipe.steps):
        manifest = manifests.get(step.name)
        if manifest is None or manifest.kind not in BASE_KINDS or not {INPUT_IDS, NUM_TOKENS} <= set(manifest.columns):
            continue
        operator = next(_tokenizers_above(recipe, step.name), None)
        ids = _first_window(manifest)
        if operator is None or not ids:
            return None
        text = load_tokenizer(_placed(operator.tokenizer, manifests)).decode(ids, skip_special_tokens=False)
        lines = [line for line in text.splitlines() if line.strip()]
        return PackedText(step.name, len(ids), tuple(ids[:num_ids]), tuple(lines[:num_lines]))
    return None


def padding_fraction(recipe: Recipe, manifests: Mapping[str, Manifest]) -> float | None:
    """Of the last packed step: the share of its rows' places that hold no token."""
    for step in reversed(recipe.steps):
        manifest = manifests.get(step.name)
        packing = next((operator for operator in step.operators if isinstance(operator, Packing)), None)
        if manifest is not None and packing is not None and manifest.total("rows_written"):
            places = manifest.total("rows_written") * packing.capacity
            return 1 - manifest.total("conserved_out") / places
    return None


def _tokenizers_above(recipe: Recipe, step: str) -> Iterator[Tokenize]:
    """The tokenize operators of a step and its ancestors, nearest first."""
    for operator in reversed(recipe.step(step).operators):
        if isinstance(operator, Tokenize):
            yield operator
    for parent in recipe.step(step).parents:
        yield from _tokenizers_above(recipe, parent)


def _first_window(manifest: Manifest) -> list[int]:
    """Ids of the first row, without padding."""
    for shard, rows in enumerate(manifest.shard_rows):
        path = manifest.path(shard, DATA)
        if rows and path is not None:
            with pq.ParquetFile(local_copy(path)) as file:
                batch = next(file.iter_batches(batch_size=1, columns=[INPUT_IDS, NUM_TOKENS]))
            window: list[int] = batch[INPUT_IDS][0].as_py()
            return window[: batch[NUM_TOKENS][0].as_py()]
    return []


def _placed(file: FileRef, manifests: Mapping[str, Manifest]) -> FileRef:
    """The file with its place on this machine: that of a model of the same recipe is known once it is built."""
    if file.step is None:
        return file
    manifest = manifests[file.step]
    return file.pin(manifest.folder / manifest.shards[0].files[file.file_name].name)
