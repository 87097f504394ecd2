"""Daft: normalize, minhash of 14 x 8, buckets by groupby, components by igraph, anti join. Usage: IN OUT."""

import sys
from pathlib import Path

import daft
import igraph
from daft import col
from daft.functions import minhash, normalize

BANDS, ROWS = 14, 8


@daft.func(return_dtype=daft.DataType.list(daft.DataType.string()))
def buckets(signature: list[int]) -> list[str]:
    """A name for each band and its values."""
    return [f"{band}:{signature[band * ROWS : (band + 1) * ROWS]}" for band in range(BANDS)]


def duplicates(documents: daft.DataFrame) -> list[str]:
    """The ids of all but the first of each component."""
    text = normalize(col("text"), remove_punct=True, lowercase=True, nfd_unicode=True, white_space=True)
    signature = minhash(text, num_hashes=BANDS * ROWS, ngram_size=5, seed=42, hash_function="xxhash3_64")
    rows = documents.select(col("id"), buckets(signature).alias("bucket")).explode(col("bucket"))
    members = rows.groupby("bucket").agg(col("id").list_agg()).to_pydict()["id"]
    numbers: dict[str, int] = {}
    edges = []
    for ids in members:
        nodes = [numbers.setdefault(name, len(numbers)) for name in ids]
        edges += [(nodes[0], node) for node in nodes[1:]]
    names = list(numbers)
    components = igraph.Graph(n=len(names), edges=edges).connected_components()
    return [name for component in components for name in sorted(names[node] for node in component)[1:]]


def main(source: Path, target: Path) -> None:
    """One query finds the duplicates, a second one writes the rest."""
    documents = daft.read_parquet(f"{source}/*.parquet")
    removed = daft.from_pydict({"id": duplicates(documents)})
    documents.join(removed, on="id", how="anti").write_parquet(str(target), compression="zstd")


main(Path(sys.argv[1]), Path(sys.argv[2]))
