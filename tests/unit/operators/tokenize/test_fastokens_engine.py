"""The engine fastokens against `tokenizers`."""

import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from tokenizers import Tokenizer

from operators.tokenize.encoded import from_documents
from operators.tokenize.engine import encode_accepted
from operators.tokenize.fastokens_engine import open_fastokens
from operators.tokenize.reference import as_plain_text, encode_texts

REAL = Path(__file__).parents[4] / ".." / "shared" / "data" / "tokenizers"
NAMES = ["gpt-neox-20b", "gpt2", "smollm2", "stories260k"]
pytestmark = [
    pytest.mark.skipif(not REAL.is_dir(), reason="../shared/data/tokenizers is absent"),
    pytest.mark.parametrize("name", NAMES),
]


def test_characters_of_every_block(name: str) -> None:
    """One of each 64 code points of the planes in use, alone, doubled and before marks."""
    path = REAL / name / "tokenizer.json"
    reference = as_plain_text(Tokenizer.from_file(str(path)))
    engine = open_fastokens(path.read_text(), reads_special=False)
    letters = [chr(code) for code in range(0, 0x32000, 64) if not 0xD800 <= code < 0xE000]
    texts = [f"a{letter}b {letter}{letter} {letter}\u0301\n7{letter}" for letter in letters]
    found, refused = encode_accepted(engine, pa.array(texts, pa.large_string()))
    expected = from_documents(encode_texts(reference, texts))
    lengths = np.diff(expected.bounds)
    lengths[refused] = 0
    assert np.diff(found.bounds).tolist() == lengths.tolist()
    accepted = np.repeat(~np.isin(np.arange(len(texts)), refused), np.diff(expected.bounds))
    assert np.array_equal(found.ids, expected.ids[accepted])
    assert refused.size == 0


def test_runs_of_half_a_megabyte_stay_linear(name: str) -> None:
    engine = open_fastokens((REAL / name / "tokenizer.json").read_text(), reads_special=False)
    units = ["a", " ", "7", "中", "the", "\u0301"]
    begin = time.process_time()
    for unit in units:
        engine.encode(pa.array([unit * (500_000 // len(unit.encode()))], pa.large_string()))
    assert time.process_time() - begin < 30  # 1 s when linear, minutes when quadratic
