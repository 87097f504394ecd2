"""Writes jieba's dictionary and model as tables, and its words of some texts. README.md says how to run it.

The tables are facts that jieba ships; none of its code is in them.
"""

import io
import json
from itertools import islice
from pathlib import Path

import jieba
import xxhash
import zstandard
from jieba.finalseg import emit_P as emissions

HERE = Path(__file__).parent
DATA = Path(__file__).parents[4] / "shared" / "data" / "text"
DOCUMENTS = {
    "lctt_linuxcn/part-00001.jsonl.zst": 150,
    "php_docs/part-00001.jsonl.zst": 60,
    "cppdocs_ko/part-00000.jsonl.zst": 20,
    "tldr_pages/part-00000.jsonl.zst": 60,
}
"""How many documents of each file of the shared data are compared by a digest of their words."""
TABLES = Path(__file__).parents[3] / "operators" / "text"
STATES = "BEMS"
FIRST_HAN, LAST_HAN = "\u4e00", "\u9fd5"


def compressed(lines: list[str]) -> bytes:
    return zstandard.ZstdCompressor(level=22).compress("".join(f"{line}\n" for line in lines).encode())


def dictionary() -> list[str]:
    """The sum of all frequencies, then a word and its frequency a line."""
    total = 0
    frequencies: dict[str, int] = {}
    with jieba.dt.get_dict_file() as lines:
        for line in lines:
            word, frequency = line.decode().strip().split(" ")[:2]
            frequencies[word] = int(frequency)  # of a word that stands twice the last counts, in the sum both
            total += int(frequency)
    return [str(total), *(f"{word} {frequency}" for word, frequency in sorted(frequencies.items()))]


def model() -> list[str]:
    """A character and its log probabilities in the states B, E, M and S a line; `-` where it has none."""
    characters = sorted(set().union(*(emissions[state] for state in STATES)))
    return [
        " ".join(
            [character, *(repr(float(emissions[s][character])) if character in emissions[s] else "-" for s in STATES)]
        )
        for character in characters
        if FIRST_HAN <= character <= LAST_HAN
    ]


def words_of(text: str) -> list[str]:
    return [word for word in jieba.cut(text) if not word.isspace()]


def digests(name: str, num_documents: int) -> list[str]:
    with (DATA / name).open("rb") as file, zstandard.ZstdDecompressor().stream_reader(file) as stream:
        texts = [json.loads(line)["text"] for line in islice(io.TextIOWrapper(stream, "utf-8"), num_documents)]
    return [xxhash.xxh64_hexdigest("\n".join(words_of(text)).encode()) for text in texts]


def main() -> None:
    (TABLES / "jieba_dictionary.txt.zst").write_bytes(compressed(dictionary()))
    (TABLES / "jieba_model.txt.zst").write_bytes(compressed(model()))
    texts = json.loads((HERE / "texts.json").read_text())
    rows = [{"text": text, "words": words_of(text)} for text in texts]
    (HERE / "expected.jsonl").write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    if DATA.is_dir():
        expected = {name: digests(name, num_documents) for name, num_documents in DOCUMENTS.items()}
        (HERE / "documents.json").write_text(json.dumps(expected, indent=1) + "\n")


if __name__ == "__main__":
    main()
