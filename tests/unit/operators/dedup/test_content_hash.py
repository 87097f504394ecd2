import pyarrow as pa
import xxhash

from operators.dedup.content_hash import ContentHash
from pipeline.document import TEXT_TYPE

TEXTS = ["", "a", "a ", "é", "e\u0301", "x" * 100_000, "a"]


def hashes_of(column):
    return ContentHash().open()(pa.record_batch({"text": column})).column("content_hash").to_pylist()


def test_is_xxh3_128_of_the_utf8_bytes():
    assert hashes_of(pa.array(TEXTS, TEXT_TYPE)) == [xxhash.xxh3_128_digest(text.encode()) for text in TEXTS]


def test_only_equal_bytes_have_equal_hashes():
    hashes = hashes_of(pa.array(TEXTS, TEXT_TYPE))
    assert hashes[1] == hashes[6]
    assert len(set(hashes)) == len(TEXTS) - 1


def test_a_slice_hashes_as_it_does_in_the_whole():
    column = pa.array(TEXTS, TEXT_TYPE)
    assert hashes_of(column.slice(2, 3)) == hashes_of(column)[2:5]


def test_schema_is_the_declared_one_for_no_rows():
    operator = ContentHash()
    result = operator.open()(pa.record_batch({"text": pa.array([], TEXT_TYPE)}))
    assert result.schema == operator.adds()
    assert result.num_rows == 0
