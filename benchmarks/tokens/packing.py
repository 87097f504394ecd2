"""How tightly and how fast a million real documents are packed: `python -m benchmarks.tokens.packing`.

Lengths are those of the documents of ../shared/data/text in tokens of gpt-neox-20b, end-of-document token included,
drawn with replacement up to a million. `--olmo-core CHECKOUT` packs the same pieces with OLMo-core's InstancePacker
beside ours. Prints one JSON object.
"""

import argparse
import ast
import json
import math
import statistics
import sys
import time
from collections import defaultdict, deque
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import xxhash

from benchmarks.real_text import TEXTS, documents
from benchmarks.surroundings import ROOT
from operators.pack.best_fit import BestFit
from operators.pack.pieces import cut_documents
from operators.tokenize.tokenizer import NUM_TOKENS, Tokenize
from pipeline.document import DOC_ID, DOC_ID_TYPE, TEXT, TEXT_TYPE
from pipeline.operator import FileRef

TOKENIZER: Final = ROOT.parent / "shared/data/tokenizers/gpt-neox-20b/tokenizer.json"
NUM_DOCUMENTS: Final = 1_000_000
SHARD_DOCUMENTS: Final = 20_000
WINDOWS: Final = (2048, 4096, 8192)
REPETITIONS: Final = 5
SEED: Final = 20240416
_BATCH_ROWS: Final = 1000

Numbers = npt.NDArray[np.int64]
Figures = dict[str, float]


def real_lengths() -> Numbers:
    """Tokens of each document, in the order of the folders."""
    count = Tokenize(tokenizer=FileRef(uri=str(TOKENIZER)).pin(TOKENIZER)).open()
    counted = [count(batch).column(NUM_TOKENS).to_numpy() for batch in _text_batches()]
    return np.concatenate(counted).astype(np.int64)


def _text_batches() -> Iterator[pa.RecordBatch]:
    folders = sorted(path.name for path in TEXTS.iterdir() if path.is_dir())
    rows = (document for folder in folders for document in documents(folder))
    while batch := list(islice(rows, _BATCH_ROWS)):
        ids = pa.array([xxhash.xxh3_128_digest(document.id.encode()) for document in batch], DOC_ID_TYPE)
        yield pa.record_batch({DOC_ID: ids, TEXT: pa.array([document.text for document in batch], TEXT_TYPE)})


def a_million(lengths: Numbers) -> Numbers:
    """`NUM_DOCUMENTS` lengths drawn from those that were measured."""
    return np.random.default_rng(SEED).choice(lengths, NUM_DOCUMENTS)


def packing_figures(lengths: Numbers, olmo_core: Path | None = None) -> Figures:
    """Padding, rows and seconds for each window, whole and in shards, beside the least number of rows there can be."""
    total = int(lengths.sum())
    figures: Figures = {"documents": len(lengths), "tokens": total}
    for window in WINDOWS:
        operator = BestFit(window=window)
        operator.windows(lengths[:100])  # compiles
        seconds = []
        for _ in range(REPETITIONS):
            begin = time.process_time()
            rows = operator.windows(lengths).num_windows
            seconds.append(time.process_time() - begin)
        in_shards = sum(
            operator.windows(lengths[begin : begin + SHARD_DOCUMENTS]).num_windows
            for begin in range(0, len(lengths), SHARD_DOCUMENTS)
        )
        figures |= {
            f"rows_{window}": rows,
            f"least_rows_{window}": -(-total // window),
            f"padding_{window}": _padding(total, rows, window),
            f"padding_in_shards_{window}": _padding(total, in_shards, window),
            f"split_documents_{window}": int((lengths > window).sum()),
            f"pack_seconds_{window}": round(statistics.median(seconds), 3),
        }
        if olmo_core is not None:
            figures |= _olmo_figures(olmo_core, lengths, window)
    figures["truncated_documents"] = 0
    figures["pack_seconds_1m"] = max(figures[f"pack_seconds_{window}"] for window in WINDOWS)
    return figures


def _padding(total: int, rows: int, window: int) -> float:
    return round(1 - total / (rows * window), 6)


def _olmo_figures(checkout: Path, lengths: Numbers, window: int) -> Figures:
    """The same pieces, packed by OLMo-core's own class, which is taken out of its module without what that imports."""
    file = checkout / "src/olmo_core/data/utils.py"
    wanted = {"SegmentTreeNode", "SegmentTree", "InstancePacker"}
    tree = ast.parse(file.read_text(encoding="utf-8"))
    tree.body = [node for node in tree.body if isinstance(node, ast.ClassDef) and node.name in wanted]
    # Any: what the module's names stand for
    names: dict[str, Any] = {"dataclass": dataclass, "defaultdict": defaultdict, "deque": deque, "math": math, "np": np}
    names |= {name: getattr(__import__("typing"), name) for name in ("Dict", "List", "Optional", "Tuple")}
    names["__name__"] = __name__
    exec(compile(tree, str(file), "exec"), names)  # noqa: S102 -- the peer's code, from a checkout that the caller names
    length = cut_documents(lengths, window, "split").length
    ends = np.cumsum(length)
    begin = time.process_time()
    rows, _, _ = names["InstancePacker"](window).pack_documents(np.stack([ends - length, ends], axis=1))
    seconds = time.process_time() - begin
    return {f"olmo_core_rows_{window}": len(rows), f"olmo_core_pack_seconds_{window}": round(seconds, 1)}


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--olmo-core", type=Path, metavar="CHECKOUT", help="a checkout of OLMo-core to pack beside ours"
    )
    arguments = parser.parse_args()
    missing = [str(path) for path in (TEXTS, TOKENIZER) if not path.exists()]
    if missing:
        sys.exit(f"packing: expected real documents and a tokenizer; not found: {missing}")
    figures = packing_figures(a_million(real_lengths()), arguments.olmo_core)
    print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
