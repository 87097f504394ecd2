"""How many tokens an encoder was made for, as the files in its folder say."""

import json
from pathlib import Path
from typing import Final

from pipeline.errors import PlanError

POSITIONS: Final = ("config.json", "max_position_embeddings")
_PLACES: Final = (
    ("sentence_bert_config.json", "max_seq_length"),
    ("tokenizer_config.json", "model_max_length"),
    POSITIONS,
)
"""Files of sentence-transformers and transformers, and the entry that tells. The smallest holds: position embeddings
may be more than may be used, and a tokenizer without a limit has a very large one."""


def resolved_max_tokens(operator: str, folder: Path, wanted: int | None, num_special: int) -> int:
    """How many tokens a sequence has at most, special ones included.

    Args:
        operator: for messages.
        folder: of the model.
        wanted: by the recipe; default: as many as the folder says.
        num_special: tokens that go around every sequence.

    Raises:
        PlanError: `wanted` is more than the model has positions for, no file says how many, or no text fits.
    """
    positions = _limit(folder, *POSITIONS)
    if wanted is not None and positions is not None and wanted > positions:
        raise PlanError(
            f"{operator}: max_tokens: expected at most {positions}, for which the model has positions; found {wanted}"
        )
    found = wanted or min(filter(None, (_limit(folder, name, key) for name, key in _PLACES)), default=None)
    if found is None:
        raise PlanError(
            f"{operator}: max_tokens: expected one of the entries {[key for _, key in _PLACES]} in the model's folder; "
            "found none; set max_tokens"
        )
    if found <= num_special:
        raise PlanError(
            f"{operator}: max_tokens: expected more than the {num_special} special tokens of a sequence; found {found}"
        )
    return found


def _limit(folder: Path, name: str, key: str) -> int | None:
    """A positive number of a JSON file; None where there is none."""
    file = folder / name
    told = json.loads(file.read_text(encoding="utf-8")).get(key) if file.is_file() else None
    return int(told) if isinstance(told, int | float) and told > 0 else None
