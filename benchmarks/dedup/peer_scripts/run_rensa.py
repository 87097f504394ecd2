"""rensa: RMinHash of 112; buckets and union-find in Python, as its own index flags both of a pair. Usage: IN OUT."""

import re
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from rensa import RMinHash

BANDS, ROWS = 14, 8
WORD = re.compile(r"\w+")


def main(source: Path, target: Path) -> None:
    """Two passes over the files: sign and unite, then write the first of each component."""
    parent: list[int] = []

    def find(node: int) -> int:
        while parent[node] != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    first: list[dict[tuple[int, ...], int]] = [{} for _ in range(BANDS)]
    paths = sorted(source.glob("*.parquet"))
    for path in paths:
        for text in pq.read_table(path, columns=["text"])["text"].to_pylist():
            words = WORD.findall(text.lower())
            sketch = RMinHash(num_perm=BANDS * ROWS, seed=1)
            sketch.update([" ".join(words[at : at + 5]) for at in range(max(1, len(words) - 4))])
            digest = sketch.digest()
            node = len(parent)
            parent.append(node)
            for band in range(BANDS):
                other = first[band].setdefault(tuple(digest[band * ROWS : (band + 1) * ROWS]), node)
                if other != node:
                    one, two = sorted((find(other), find(node)))
                    parent[two] = one
    target.mkdir(parents=True)
    start = 0
    for path in paths:
        table = pq.read_table(path)
        kept = pa.array([find(node) == node for node in range(start, start + table.num_rows)])
        pq.write_table(table.filter(kept), target / path.name, compression="zstd")
        start += table.num_rows


main(Path(sys.argv[1]), Path(sys.argv[2]))
