"""datatrove: its four stages of MinHash deduplication with FineWeb's settings, one task a file. Usage: IN OUT."""

import sys
from pathlib import Path

from datatrove.executor.local import LocalPipelineExecutor
from datatrove.pipeline.dedup import (
    MinhashDedupBuckets,
    MinhashDedupCluster,
    MinhashDedupFilter,
    MinhashDedupSignature,
)
from datatrove.pipeline.dedup.minhash import MinhashConfig
from datatrove.pipeline.readers import ParquetReader
from datatrove.pipeline.writers import ParquetWriter
from datatrove.utils.hashing import HashConfig
from datatrove.utils.typeshelper import Languages

CONFIG = MinhashConfig(n_grams=5, num_buckets=14, hashes_per_bucket=8, hash_config=HashConfig(precision=64))


def main(source: Path, target: Path) -> None:
    """The stages, each after the one before; words by the default tokenizer for English."""
    work = target.with_name(f"{target.name}-work")
    files = len(list(source.glob("*.parquet")))
    signatures = LocalPipelineExecutor(
        [
            ParquetReader(str(source), glob_pattern="*.parquet"),
            MinhashDedupSignature(f"{work}/signatures", config=CONFIG, language=Languages.english),
        ],
        tasks=files,
        workers=1,
        logging_dir=f"{work}/log/1",
    )
    buckets = LocalPipelineExecutor(
        [MinhashDedupBuckets(f"{work}/signatures", f"{work}/buckets", config=CONFIG)],
        tasks=CONFIG.num_buckets,
        workers=1,
        logging_dir=f"{work}/log/2",
        depends=signatures,
    )
    cluster = LocalPipelineExecutor(
        [MinhashDedupCluster(f"{work}/buckets", f"{work}/removed", config=CONFIG)],
        tasks=1,
        workers=1,
        logging_dir=f"{work}/log/3",
        depends=buckets,
    )
    LocalPipelineExecutor(
        [
            ParquetReader(str(source), glob_pattern="*.parquet"),
            MinhashDedupFilter(f"{work}/removed"),
            ParquetWriter(str(target), compression="zstd"),
        ],
        tasks=files,
        workers=1,
        logging_dir=f"{work}/log/4",
        depends=cluster,
    ).run()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
