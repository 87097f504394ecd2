"""datasketch: MinHash (scheme affine32, SHA-1) and MinHashLSH of 14 x 8, the first of a bucket stays. Usage: IN OUT."""

import re
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from datasketch import MinHash, MinHashLSH

WORD = re.compile(r"\w+")


def main(source: Path, target: Path) -> None:
    """Reads, signs, queries and writes file by file."""
    index = MinHashLSH(num_perm=112, params=(14, 8))
    target.mkdir(parents=True)
    for path in sorted(source.glob("*.parquet")):
        table = pq.read_table(path)
        kept = []
        for name, text in zip(table["id"].to_pylist(), table["text"].to_pylist(), strict=True):
            words = WORD.findall(text.lower())
            sketch = MinHash(num_perm=112, seed=1, scheme="affine32")
            sketch.update_batch([" ".join(words[at : at + 5]).encode() for at in range(max(1, len(words) - 4))])
            kept.append(not index.query(sketch))
            if kept[-1]:
                index.insert(name, sketch, check_duplication=False)
        pq.write_table(table.filter(pa.array(kept)), target / path.name, compression="zstd")


main(Path(sys.argv[1]), Path(sys.argv[2]))
