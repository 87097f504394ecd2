"""The other tools that deduplicate: what each needs, and how it works.

All do the same work: word 5-grams, 14 bands of 8 rows, Parquet in, Parquet out.
"""

from pathlib import Path
from typing import Final

from benchmarks.environments import Peer

SCRIPTS: Final = Path(__file__).parent / "peer_scripts"
PEERS: Final = (
    Peer(
        "daft",
        ("daft==0.7.26", "pyarrow==25.0.1", "igraph==1.0.0"),
        "normalize, minhash, groupby, igraph components",
        SCRIPTS / "run_daft.py",
    ),
    Peer(
        "rensa",
        ("rensa==0.5.0", "pyarrow==26.0.1"),
        "RMinHash; buckets and union-find in Python",
        SCRIPTS / "run_rensa.py",
    ),
    Peer(
        "datasketch",
        ("datasketch==2.0.0", "numpy==2.4.6", "pyarrow==26.0.1"),
        "MinHash affine32, MinHashLSH(params=(14, 8)); the first stays",
        SCRIPTS / "run_datasketch.py",
    ),
    Peer(
        "datatrove",
        (
            "datatrove[io,processing]==0.10.1",
            "torch==2.13.0",
            "spacy==3.8.18",
            "xxhash==3.8.2",
            "numpy==2.4.6",
            "pyarrow==26.0.1",
        ),
        "four stages, 64-bit hashes, default English tokenizer (spaCy)",
        SCRIPTS / "run_datatrove.py",
    ),
)
