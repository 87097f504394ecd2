"""A classifier as kernels see it: its dictionary as a hash table, its matrices, and the tree of its labels.

Words are compared by 64 bits of a hash: that two words of a corpus are taken for one has a chance of 2^-64 a pair.
Letters are: N entries, T slots (a power of two), B buckets of hashed n-grams, L labels, E columns.
"""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from operators.fasttext.model_file import Codes, Floats, Integers, ModelFile, Offsets
from pipeline.hashing import hash_blocks
from pipeline.kernel import Bytes, borrowing_kernel, inline_kernel

Keys = npt.NDArray[np.uint64]
Hashes = npt.NDArray[np.uint32]

FNV_BASIS: Final = np.uint32(2166136261)
FNV_PRIME: Final = np.uint32(16777619)

NO_ROW: Final = -1
END_OF_LINE: Final = b"</s>"
END_HASH: Final = np.uint32(3617362777)
"""fastText's hash of it."""

LEAST_SAVING: Final = 4
"""How many times fewer labels than columns make it worth while to keep products."""
PRODUCT_BYTES: Final = 1 << 27
"""What products may take: two labels of sixteen million rows. Pages that no text needs are never there."""


class Network(NamedTuple):
    """What kernels need to know of a model."""

    keys: Keys  # (T,) hashes of the dictionary's entries; 0 is an empty slot
    entries: Integers  # (T,) their numbers; those from `num_words` on are labels
    bucket_rows: Integers  # (B,) row of each bucket and 1, 0 for a bucket that is gone; (0,) where none is gone
    bucket_bits: Bytes  # (B / 8,) bits of the buckets that are left; (0,) as above
    rows: Bytes  # (4 M E,) the floats of the input matrix as bytes, which may lie anywhere; (0,) where it is quantized
    codes: Codes  # (M, Q) the quantized input matrix; (0, 0) where it is not
    centroids: Floats  # (Q, 256, S)
    scales: Floats  # (M,)
    output: Floats  # (E, L)
    weights: Floats  # (L, E) the same
    products: Floats  # (M, L) of rows with `output`, 0 in the first until they are needed; (0, L) where not used
    left: Integers  # (2 L - 1,) child of each node of the tree of labels, -1 at its leaves; (0,) without a tree
    right: Integers  # (2 L - 1,)
    parents: Integers  # (2 L - 1,) -1 at the root
    sigmoids: Floats  # (513,) fastText's table; (0,) where the loss is not a sigmoid a label
    num_words: np.uintp
    bucket: np.uint64
    bucket_inverse: np.uint64
    """As `inverse_of` gives it."""
    min_subword: np.uintp
    max_subword: np.uintp
    word_ngrams: np.uintp
    end_entry: np.int64
    """The entry of the end-of-line word; NO_ROW without."""


def build_network(model: ModelFile) -> Network:
    """The arrays of a model; only its words are read, not its input matrix."""
    num_entries = len(model.begins)
    num_slots = 1 << (2 * num_entries + 15).bit_length()
    keys, entries = np.zeros(num_slots, np.uint64), np.zeros(num_slots, np.int32)
    index_entries(model.data, model.begins, model.ends, keys, entries)
    end_of_line = np.frombuffer(END_OF_LINE, np.uint8)
    end_key = key_of(end_of_line, np.uintp(0), np.uintp(len(end_of_line)))
    bucket_rows, bucket_bits = _bucket_rows(model)
    left, right, parents = label_tree(model.label_counts if model.loss == "hs" else np.zeros(0, np.int64))
    return Network(
        keys=keys,
        entries=entries,
        bucket_rows=bucket_rows,
        bucket_bits=bucket_bits,
        rows=model.input.floats.reshape(-1).view(np.uint8),
        codes=model.input.codes,
        centroids=model.input.centroids,
        scales=model.input.scales,
        output=np.array(model.output.T, order="C"),
        weights=np.array(model.output, order="C"),
        products=_products(model),
        left=left,
        right=right,
        parents=parents,
        sigmoids=sigmoid_table() if model.loss in ("ova", "ns") else np.zeros(0, np.float32),
        num_words=np.uintp(model.num_words),
        bucket=np.uint64(max(model.bucket, 0)),
        bucket_inverse=np.uint64(inverse_of(max(model.bucket, 0))),
        min_subword=np.uintp(max(model.min_subword, 0)),
        max_subword=np.uintp(model.max_subword),
        word_ngrams=np.uintp(max(model.word_ngrams, 1)),
        end_entry=np.int64(find_entry(np.uint64(end_key), keys, entries)),
    )


def _products(model: ModelFile) -> Floats:
    """Room for the products of rows with the weights of labels, where these are few: what is summed is then small.

    A row of 100 columns is seven lines of memory that are not in a cache; its products with two labels are one, and
    are there for the next text. The mean of products is the product of the mean. A tree of labels needs the mean.
    """
    num_labels = len(model.label_counts)
    size = model.input.num_rows * num_labels * 4
    is_worth_it = model.loss != "hs" and num_labels * LEAST_SAVING <= model.dim and size <= PRODUCT_BYTES
    return np.zeros((model.input.num_rows if is_worth_it else 0, num_labels), np.float32)


def _bucket_rows(model: ModelFile) -> tuple[Integers, Bytes]:
    """Rows and bits of buckets. The bits stay in the second cache, and most n-grams of most texts are gone.

    Zeros cost memory only where a page is written: pages of buckets that are gone are never there.
    """
    if model.pruned is None:
        return np.zeros(0, np.int32), np.zeros(0, np.uint8)
    rows = np.zeros(max(model.bucket, 1), np.int32)
    bits = np.zeros(len(rows) // 8 + 1, np.uint8)
    buckets = model.pruned[:, 0]
    rows[buckets] = model.num_words + model.pruned[:, 1] + 1
    np.bitwise_or.at(bits, buckets >> 3, (1 << (buckets & 7)).astype(np.uint8))
    return rows, bits


@inline_kernel
def fnv_step(value: np.uint32, byte: np.uint8) -> np.uint32:
    """One byte of fastText's hash: FNV-1a, except that bytes beyond ASCII are sign-extended."""
    return np.uint32(np.uint32(value ^ np.uint32(np.int8(byte))) * FNV_PRIME)


@borrowing_kernel
def hash_bytes(data: Bytes, begin: np.uintp, end: np.uintp) -> np.uint32:
    """FastText's hash of `data[begin:end]`."""
    fnv = FNV_BASIS
    for k in range(begin, end):
        fnv = fnv_step(fnv, data[np.uintp(k)])
    return fnv


@borrowing_kernel
def key_of(data: Bytes, begin: np.uintp, end: np.uintp) -> np.uint64:
    """The hash of a word by which it is found, never 0: eight bytes at a time, where fastText's takes one."""
    return hash_blocks(data, begin, end) | np.uint64(1)


@inline_kernel
def home_slot(key: np.uint64, keys: Keys) -> np.uintp:
    """Where the search for a key begins."""
    return np.uintp(key >> np.uint64(1)) & np.uintp(keys.shape[0] - 1)


@borrowing_kernel
def index_entries(data: Bytes, begins: Offsets, ends: Offsets, keys: Keys, entries: Integers) -> None:
    """Fills the hash table of the dictionary."""
    mask = np.uintp(keys.shape[0] - 1)
    for k in range(begins.shape[0]):
        entry = np.uintp(k)
        key = key_of(data, np.uintp(begins[entry]), np.uintp(ends[entry]))
        slot = home_slot(key, keys)
        while keys[slot] != np.uint64(0):
            slot = (slot + np.uintp(1)) & mask
        keys[slot] = key
        entries[slot] = np.int32(entry)


@inline_kernel
def find_slot(key: np.uint64, keys: Keys) -> np.uintp:
    """The slot of `key`, or the empty one where it belongs."""
    mask = np.uintp(keys.shape[0] - 1)
    slot = home_slot(key, keys)
    while keys[slot] != key and keys[slot] != np.uint64(0):
        slot = (slot + np.uintp(1)) & mask
    return slot


@borrowing_kernel
def find_entry(key: np.uint64, keys: Keys, entries: Integers) -> np.int64:
    """The entry with this key, or NO_ROW."""
    slot = find_slot(key, keys)
    return np.int64(entries[slot]) if keys[slot] == key else np.int64(NO_ROW)


@inline_kernel
def bucket_row(ngram: np.uint64, network: Network) -> np.int64:
    """The row of an n-gram with this hash, or NO_ROW where quantization removed it."""
    bucket = ngram % network.bucket
    if network.bucket_rows.shape[0] == 0:
        return np.int64(network.num_words) + np.int64(bucket)
    return np.int64(network.bucket_rows[np.uintp(bucket)]) - np.int64(1)


def inverse_of(divisor: int) -> int:
    """What `remainder` multiplies by: 2^32 / `divisor`, rounded down; 0 for 0."""
    return (1 << 32) // divisor if divisor else 0


@inline_kernel
def remainder(value: np.uint32, divisor: np.uint64, inverse: np.uint64) -> np.uintp:
    """`value % divisor` without a division: the quotient comes out right, or one too low."""
    rest = np.uint64(value) - ((np.uint64(value) * inverse) >> np.uint64(32)) * divisor
    return np.uintp(rest - divisor * np.uint64(rest >= divisor))


def label_tree(counts: Offsets) -> tuple[Integers, Integers, Integers]:
    """Left and right child and parent of each node of fastText's Huffman tree: first the labels, last the root.

    The counts descend, as fastText writes them, so the two rarest are at the ends of the labels that are left and of
    the inner nodes made so far. Of equal counts the inner node is taken.
    """
    num_labels = len(counts)
    num_nodes = max(2 * num_labels - 1, 0)
    weights = [*map(int, counts), *([UNREACHED] * max(num_labels - 1, 0))]
    left, right, parents = (np.full(num_nodes, NO_ROW, np.int32) for _ in range(3))
    leaf, inner = num_labels - 1, num_labels
    for node in range(num_labels, num_nodes):
        pair = []
        for _ in range(2):
            if leaf >= 0 and weights[leaf] < weights[inner]:
                pair.append(leaf)
                leaf -= 1
            else:
                pair.append(inner)
                inner += 1
        left[node], right[node] = pair
        parents[pair] = node
        weights[node] = weights[pair[0]] + weights[pair[1]]
    return left, right, parents


UNREACHED: Final = 10**15
"""fastText's weight of an inner node that is not made yet."""

SIGMOID_STEPS: Final = 512
MAX_SIGMOID: Final = 8


def sigmoid_table() -> Floats:
    """FastText's sigmoid at 513 places from -8 to 8."""
    places = np.arange(SIGMOID_STEPS + 1, dtype=np.float32) * np.float32(2 * MAX_SIGMOID) / np.float32(SIGMOID_STEPS)
    # In C the exponential of a float is a float, and 1.0 makes the rest double.
    exponentials = np.exp(np.float32(MAX_SIGMOID) - places).astype(np.float64)
    return np.asarray(1.0 / (1.0 + exponentials), np.float32)
