"""Megatron-LM: tools/preprocess_data.py over one plain JSONL file, its only input, with one worker. Usage: IN OUT.

Environment: TOKENIZER (path of a tokenizer.json), MEGATRON_LM (a checkout of NVIDIA/Megatron-LM).
"""

import json
import os
import runpy
import shutil
import sys
import typing
from pathlib import Path

from typing_extensions import override

typing.override = override  # Megatron-LM wants Python 3.12; this is all that its tool takes of it


def main(source: Path, target: Path) -> None:
    """Hands the tokenizer over as the folder that transformers wants."""
    target.mkdir(parents=True)
    tokenizer = target / "tokenizer"
    tokenizer.mkdir()
    shutil.copy(os.environ["TOKENIZER"], tokenizer / "tokenizer.json")
    settings = {"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": "<|endoftext|>"}
    (tokenizer / "tokenizer_config.json").write_text(json.dumps(settings))
    checkout = Path(os.environ["MEGATRON_LM"])
    sys.path.insert(0, str(checkout))
    sys.argv = [
        "preprocess_data.py",
        *("--input", str(source / "documents.jsonl"), "--output-prefix", str(target / "tokens"), "--append-eod"),
        *("--tokenizer-type", "HuggingFaceTokenizer", "--tokenizer-model", str(tokenizer)),
        *("--workers", "1", "--log-interval", "100000"),
    ]
    runpy.run_path(str(checkout / "tools/preprocess_data.py"), run_name="__main__")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
