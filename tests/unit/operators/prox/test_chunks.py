import hashlib
import json
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from operators.prox.chunks import Chunk, cut_chunks, numbered_lines, tokens_of_lines
from operators.tokenize.reference import load_tokenizer
from pipeline.operator import FileRef

SHARED = Path(__file__).parents[5] / "shared"


def present(path):
    if not path.exists():
        pytest.skip(f"not there: {path.name}")
    return path


def test_chunks_are_those_of_the_released_code():
    """Its tokenizer is not here: a chunk's tokens all stand on its first line, which moves no boundary."""
    rows, documents = (
        [json.loads(line) for line in present(SHARED / "vectors" / name).read_text().splitlines()]
        for name in ("prox_chunk_split_oracle.jsonl", "dataman_annotations.jsonl")
    )
    for row in rows:
        text = row["text"] if "text" in row else row["join"].join(documents[at]["text"] for at in row["text_refs"])
        lines = numbered_lines(text)
        assert len(lines) == row["n_lines"]
        num_tokens = [0] * len(lines)
        for chunk in row["chunks"]:
            shown = "\n".join(lines[chunk["first_line"] : chunk["last_line"] + 1])
            assert hashlib.sha256(shown.encode()).hexdigest()[:16] == chunk["sha256_16"]
            num_tokens[chunk["first_line"]] = chunk["line_token_sum"]
        expected = [(chunk["first_line"], chunk["last_line"]) for chunk in row["chunks"]]
        assert list(cut_chunks(num_tokens, row["max_token"])) == expected
    assert len(rows) > 20


def test_lines_are_numbered_over_the_document():
    assert numbered_lines("a\r\n\nb") == ["[000]a\r", "[001]", "[002]b"]
    assert numbered_lines("\n" * 1000)[1000] == "[1000]"
    assert numbered_lines("") == []


def test_a_chunk_takes_what_fits_and_a_longer_line_stands_alone():
    assert list(cut_chunks([5, 5, 1, 20, 1, 9], 10)) == [Chunk(0, 1), Chunk(2, 2), Chunk(3, 3), Chunk(4, 5)]
    assert list(cut_chunks([], 10)) == []


@given(st.lists(st.integers(0, 12)), st.integers(1, 20))
def test_chunks_are_the_document(num_tokens, max_tokens):
    chunks = list(cut_chunks(num_tokens, max_tokens))
    assert [number for chunk in chunks for number in range(chunk.first_line, chunk.last_line + 1)] == list(
        range(len(num_tokens))
    )
    for chunk, after in pairwise(chunks):
        total = sum(num_tokens[chunk.first_line : chunk.last_line + 1])
        assert total <= max_tokens or chunk.first_line == chunk.last_line
        assert total + num_tokens[after.first_line] > max_tokens


def test_lines_are_counted_by_words_or_by_tokens():
    assert tokens_of_lines(None, ["[000]two words", ""]) == [2, 0]
    tokenizer = load_tokenizer(
        FileRef(uri="tokenizer.json").pin(present(SHARED / "data/tokenizers/gpt2/tokenizer.json"))
    )
    assert tokens_of_lines(tokenizer, ["[000]", "a b"]) == [3, 2]
