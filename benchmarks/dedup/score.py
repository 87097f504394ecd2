"""What a tool found and what it got wrong, by the truth table of a corpus. All from which documents are left."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from benchmarks.dedup.corpus import TRUTH, Corpus
from benchmarks.dedup.expectation import detection_probability


@dataclass(frozen=True, slots=True)
class Band:
    """The planted pairs of a tenth of the similarities."""

    from_jaccard: float
    pairs: int
    recall: float
    expected: float


@dataclass(frozen=True, slots=True)
class Score:
    """How well a tool did."""

    removed: int
    recall: float
    """Share of the planted pairs of which a document was removed."""
    recall_expected: float
    precision: float
    """Share of the removed documents whose planted partner is still there; of a pair that is gone, one counts as
    right. No tool need say what it took a document for a copy of."""
    bands: tuple[Band, ...]


def score(corpus: Corpus, survivors: pa.Array, *, verify_at: float) -> Score:
    """`verify_at`: the similarity of signatures that the tool asks for beside a shared bucket, 0 if for none."""
    truth = pq.read_table(corpus.path / TRUTH)
    left = [pc.is_in(truth[column], value_set=survivors).to_numpy() for column in ("original", "copy")]
    found = ~(left[0] & left[1])
    jaccards = truth["jaccard"].to_numpy()
    expected = detection_probability(jaccards, verify_at=verify_at)
    removed = corpus.documents - len(survivors)
    return Score(
        removed,
        float(found.mean()),
        float(expected.mean()),
        float(found.sum() / removed) if removed else 1.0,
        tuple(_bands(jaccards, found, expected)),
    )


def surviving_ids(folder: Path, column: str) -> pa.Array:
    """The ids of all rows of the Parquet files of a folder; each must be there once."""
    ids = pa.concat_arrays(
        [
            chunk.cast(pa.string())
            for path in sorted(folder.glob("*.parquet"))
            for chunk in pq.read_table(path, columns=[column])[column].chunks
        ]
    )
    if len(ids.unique()) != len(ids):
        raise SystemExit(f"{folder}: expected each document once; found {len(ids)} rows of {len(ids.unique())} ids")
    return ids


def _bands(
    jaccards: npt.NDArray[np.float64], found: npt.NDArray[np.bool_], expected: npt.NDArray[np.float64]
) -> list[Band]:
    tenths = np.minimum((jaccards * 10).astype(np.int64), 9)
    return [
        Band(
            tenth / 10,
            int((tenths == tenth).sum()),
            round(float(found[tenths == tenth].mean()), 4),
            round(float(expected[tenths == tenth].mean()), 4),
        )
        for tenth in range(10)
        if (tenths == tenth).any()
    ]
