"""What readers must find: `python -m tests.formats.expected RUN` writes it beside a run of recipe.yaml, for numpy.

The environments of trainers have neither this project nor pyarrow.
"""

import json
import sys
from pathlib import Path

import numpy as np
import pyarrow.dataset as ds

from pipeline.artifact import DATA, DATASET, Manifest
from pipeline.plan.logical import ArtifactKind
from pipeline.recorded_run import load_run

EXPECTED = "expected.npz"
DATASETS = "datasets.json"


def write_expected(output: Path) -> None:
    """The token store, the tokens of packed rows, and where each dataset lies with what its manifest counts."""
    manifests = load_run(output).manifests()
    store = _rows(manifests["tokens"])
    lengths = store["num_tokens"].to_numpy()
    has_tokens = lengths > 0
    rows = _rows(manifests["packed"])
    own = [row[:num] for row, num in zip(rows["input_ids"].to_pylist(), rows["num_tokens"].to_pylist(), strict=True)]
    np.savez(
        output / EXPECTED,
        tokens=np.concatenate(store["tokens"].to_pylist()).astype(np.uint32),
        lengths=lengths[has_tokens],
        shard_tokens=[shard.counts["rows_written"] and _shard_tokens(manifests["tokens"], shard.index)
                      for shard in manifests["tokens"].shards],
        doc_ids=np.array([doc_id.hex() for doc_id in store["doc_id"].to_pylist()])[has_tokens],
        sources=np.array(store["source"].to_pylist())[has_tokens],
        flat=np.concatenate(own).astype(np.uint32),
        flat_lengths=rows["num_tokens"].to_numpy(),
    )  # fmt: skip
    found = {
        name: {"folder": str(manifest.folder / DATASET), "tokens": manifest.total("conserved_out")}
        for name, manifest in manifests.items()
        if manifest.kind is ArtifactKind.FILES
    }
    (output / DATASETS).write_text(json.dumps(found, indent=1) + "\n")


def _rows(manifest: Manifest) -> ds.Dataset:
    paths = [path for shard in range(len(manifest.shards)) if (path := manifest.path(shard, DATA))]
    return ds.dataset(paths).to_table()


def _shard_tokens(manifest: Manifest, shard: int) -> int:
    path = manifest.path(shard, DATA)
    assert path is not None
    return int(ds.dataset(path).to_table(columns=["num_tokens"])["num_tokens"].to_numpy().sum())


if __name__ == "__main__":
    write_expected(Path(sys.argv[1]))
