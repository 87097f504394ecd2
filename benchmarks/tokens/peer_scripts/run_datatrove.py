"""datatrove: DocumentTokenizer and its merger, shuffled as it comes, one task a file. Usage: IN OUT.

Environment: TOKENIZER (path of a tokenizer.json).
"""

import os
import sys
from pathlib import Path

from datatrove.executor.local import LocalPipelineExecutor
from datatrove.pipeline.readers import ParquetReader
from datatrove.pipeline.tokens import DocumentTokenizer, DocumentTokenizerMerger


def main(source: Path, target: Path) -> None:
    """Tokenizes, then merges the files to one."""
    tokenized = LocalPipelineExecutor(
        [
            ParquetReader(str(source), glob_pattern="*.parquet"),
            DocumentTokenizer(
                str(target / "tokenized"),
                tokenizer_name_or_path=os.environ["TOKENIZER"],
                eos_token="<|endoftext|>",  # noqa: S106 - a token of text
                batch_size=1000,
                seed=1,
            ),
        ],
        tasks=len(list(source.glob("*.parquet"))),
        workers=1,
        logging_dir=str(target / "log-1"),
    )
    LocalPipelineExecutor(
        [DocumentTokenizerMerger(str(target / "tokenized"), str(target / "merged"), save_filename="tokens", seed=1)],
        tasks=1,
        workers=1,
        logging_dir=str(target / "log-2"),
        depends=tokenized,
    ).run()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
