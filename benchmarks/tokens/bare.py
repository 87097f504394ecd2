"""A tokenizer library alone: CPU seconds of turning texts that lie in memory into ids that nobody keeps.

Usage: python -m benchmarks.tokens.bare ENGINE TOKENIZER FOLDER; prints one JSON object. No start-up, no file, no guard:
what `tokenize` could reach if everything around the library cost nothing. Documents are handed over 1,000 at a time.
"""

import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

CALL: int = 1000
"""Documents of a call."""

Count = Callable[[Sequence[str]], int]


def main(engine: str, tokenizer: Path, folder: Path) -> None:
    """Encodes every document once."""
    count = {"fastokens": _fastokens, "tokenizers": _tokenizers}[engine](tokenizer)
    seconds, num_tokens = 0.0, 0
    for path in sorted(folder.glob("*.parquet")):
        texts = pq.read_table(path, columns=["text"])["text"].to_pylist()
        began = time.process_time()
        num_tokens += sum(count(texts[first : first + CALL]) for first in range(0, len(texts), CALL))
        seconds += time.process_time() - began
    print(json.dumps({"tokens": num_tokens, "cpu_seconds": round(seconds, 3)}))


def _fastokens(path: Path) -> Count:
    from fastokens import Tokenizer  # noqa: PLC0415 - the engine that is asked for

    tokenizer = Tokenizer.from_file(str(path))

    def count(texts: Sequence[str]) -> int:
        ids, _ = tokenizer.encode_batch_flat(list(texts), add_special_tokens=False, split_special_tokens=True)
        return len(np.frombuffer(ids, np.uint32))

    return count


def _tokenizers(path: Path) -> Count:
    from tokenizers import Tokenizer  # noqa: PLC0415 - the engine that is asked for

    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.encode_special_tokens = True

    def count(texts: Sequence[str]) -> int:
        return sum(len(one.ids) for one in tokenizer.encode_batch_fast(list(texts), add_special_tokens=False))

    return count


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
