"""What jieba knows, as tables that kernels read: its dictionary, as a trie, and its hidden Markov model.

Letters are: T slots of the trie, H Han characters.
"""

import math
from functools import lru_cache
from importlib.resources import files
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import zstandard

from operators.text.characters import decode
from pipeline.hashing import mix64
from pipeline.kernel import Bytes, inline_kernel, kernel

Scores = npt.NDArray[np.float64]
Keys = npt.NDArray[np.uint64]

FIRST_HAN: Final = 0x4E00
LAST_HAN: Final = 0x9FD5
"""The characters that jieba's patterns take for Han."""
ASCII_IN_BLOCKS: Final = b"+#&._%-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
"""What stands in blocks with Han characters, by jieba's patterns."""

NO_NODE: Final = 0
NO_WORD: Final = 1.0
"""Score of a prefix that is no word; those of words are logarithms of probabilities, and negative."""
NOT_EMITTED: Final = -3.14e100
"""jieba's log probability of what has none."""
CODE_POINT_BITS: Final = 21
NUM_SLOTS: Final = 1 << 20
"""For 498,113 prefixes."""

LINE_FEED: Final = 0x0A
SPACE: Final = 0x20
DIGIT_ZERO: Final = 0x30


class JiebaTables(NamedTuple):
    """jieba's knowledge. A node of the trie is its slot plus one; the root is 0."""

    keys: Keys  # (T,) the parent's node and the character; 0 is empty
    scores: Scores  # (T,) log probability of the word that ends at a node, or NO_WORD
    first_nodes: npt.NDArray[np.uint32]  # (LAST_HAN + 1,) node of each character that begins a word, or NO_NODE
    unknown_score: np.float64  # of a character that begins no word
    emissions: Scores  # (H, 4) log probabilities of Han characters in the states B, E, M and S
    in_blocks: npt.NDArray[np.bool_]  # (128,) ASCII characters that stand in blocks with Han characters


@inline_kernel
def find_child(node: np.uintp, code_point: np.uint32, keys: Keys) -> np.uintp:
    """The slot of the child of `node` by `code_point`, or the empty one where it belongs."""
    key = (np.uint64(node) << np.uint64(CODE_POINT_BITS)) | np.uint64(code_point)
    mask = np.uintp(keys.shape[0] - 1)
    slot = np.uintp(mix64(key)) & mask
    while keys[slot] != np.uint64(0) and keys[slot] != key:
        slot = (slot + np.uintp(1)) & mask
    return slot


@kernel
def add_words(data: Bytes, keys: Keys, frequencies: Scores) -> None:
    """Adds the words of `data`, each before a space, its frequency and a line feed, to an empty trie."""
    node = np.uintp(NO_NODE)
    frequency = 0.0
    is_frequency = False
    i = np.uintp(0)
    while i < np.uintp(data.shape[0]):
        code_point, width = decode(data, i)
        i += width
        if code_point == np.uint32(LINE_FEED):
            frequencies[node - np.uintp(1)] = frequency
            node = np.uintp(NO_NODE)
            frequency = 0.0
            is_frequency = False
        elif code_point == np.uint32(SPACE):
            is_frequency = True
        elif is_frequency:
            frequency = frequency * 10.0 + np.float64(code_point - np.uint32(DIGIT_ZERO))
        else:
            slot = find_child(node, code_point, keys)
            keys[slot] = (np.uint64(node) << np.uint64(CODE_POINT_BITS)) | np.uint64(code_point)
            node = slot + np.uintp(1)


@kernel
def list_first_nodes(keys: Keys, first_nodes: npt.NDArray[np.uint32]) -> None:
    """Fills `first_nodes` from the trie."""
    for code_point in range(first_nodes.shape[0]):
        slot = find_child(np.uintp(NO_NODE), np.uint32(code_point), keys)
        if code_point > 0 and keys[slot] != np.uint64(0):
            first_nodes[code_point] = np.uint32(slot + np.uintp(1))


def _read(name: str) -> bytes:
    return bytes(zstandard.ZstdDecompressor().decompress(files("operators.text").joinpath(name).read_bytes()))


def _emissions() -> Scores:
    emissions = np.full((LAST_HAN - FIRST_HAN + 1, 4), NOT_EMITTED)  # (H, 4)
    for line in _read("jieba_model.txt.zst").decode().splitlines():
        character, *scores = line.split(" ")
        emissions[ord(character) - FIRST_HAN] = [NOT_EMITTED if score == "-" else float(score) for score in scores]
    return emissions


@lru_cache(maxsize=1)
def jieba_tables() -> JiebaTables:
    """The tables, 18 MB. One shared copy: read it only."""
    total, _, lines = _read("jieba_dictionary.txt.zst").partition(b"\n")
    keys = np.zeros(NUM_SLOTS, np.uint64)
    frequencies = np.zeros(NUM_SLOTS, np.float64)
    add_words(np.frombuffer(lines, np.uint8), keys, frequencies)
    # Python's logarithm, as jieba takes it: NumPy's may differ in the last bit, and so decide otherwise
    distinct, places = np.unique(frequencies, return_inverse=True)
    log_total = math.log(int(total))
    scores = np.array([math.log(frequency) - log_total if frequency else NO_WORD for frequency in distinct])[places]
    first_nodes = np.zeros(LAST_HAN + 1, np.uint32)
    list_first_nodes(keys, first_nodes)
    in_blocks = np.zeros(128, np.bool_)
    in_blocks[np.frombuffer(ASCII_IN_BLOCKS, np.uint8)] = True
    return JiebaTables(keys, scores, first_nodes, np.float64(-log_total), _emissions(), in_blocks)
