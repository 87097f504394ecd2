import itertools
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import xxhash
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from operators.text.jieba_words import jieba_breaks

ROOT = Path(__file__).parents[4]
GOLDEN = ROOT / "tests" / "golden" / "jieba"
DATA = ROOT.parent / "shared" / "data" / "text"


def parted(text: str) -> list[str]:
    data = text.encode()
    ends = [0, *jieba_breaks(pa.array([text], pa.large_string())).tolist(), len(data)]
    return [word for begin, end in itertools.pairwise(ends) for word in data[begin:end].decode().split()]


@pytest.mark.parametrize("row", [json.loads(line) for line in (GOLDEN / "expected.jsonl").read_text().splitlines()])
def test_words_are_those_of_jieba(row):
    assert parted(row["text"]) == row["words"]


def test_words_of_real_documents_are_those_of_jieba():
    expected = json.loads((GOLDEN / "documents.json").read_text())
    for name, digests in expected.items():
        file = DATA / name
        if not file.is_file():
            pytest.skip(f"expected documents at {file}; found none")
        with file.open("rb") as compressed, zstandard.ZstdDecompressor().stream_reader(compressed) as lines:
            texts = [json.loads(line)["text"] for line, _ in zip(lines_of(lines), digests, strict=False)]
        assert [xxhash.xxh64_hexdigest("\n".join(parted(text)).encode()) for text in texts] == digests


def lines_of(stream):
    rest = b""
    while chunk := stream.read(1 << 16):
        *lines, rest = (rest + chunk).split(b"\n")
        yield from lines


@settings(deadline=None, derandomize=True)
@given(st.lists(st.text(st.sampled_from("我爱北京天安门的一丁囧a1.%+- \n。é😀"))))
def test_breaks_of_a_batch_are_those_of_its_texts(texts):
    batch = pa.array(texts, pa.large_string())
    begins = np.cumsum([0, *(len(text.encode()) for text in texts)])
    alone = [
        jieba_breaks(pa.array([text], pa.large_string())) + begin
        for text, begin in zip(texts, begins[:-1], strict=True)
    ]
    assert jieba_breaks(batch).tolist() == np.concatenate([np.empty(0, np.int64), *alone]).tolist()
    assert jieba_breaks(batch[1:]).tolist() == np.concatenate([np.empty(0, np.int64), *alone[1:]]).tolist()


@settings(deadline=None, derandomize=True)
@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_words_hold_all_but_whitespace(text):
    assert "".join(parted(text)) == "".join(text.split())


@pytest.mark.parametrize("text", ["中华人民" * 100_000, "a" * 400_000, "1." * 200_000, "囧" * 200_000])
def test_long_blocks_take_linear_time(text):
    assert "".join(parted(text)) == text
