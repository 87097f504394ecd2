import numpy as np

from pipeline.hashing import hash_blocks
from pipeline.io.plain_records import PlainReader
from pipeline.plan.logical import Source


def test_a_name_that_has_the_hash_of_another_one_is_not_plain():
    """By chance, or by somebody's will: its record is left to who compares names."""
    reader = PlainReader(Source(paths=("*",)), with_metadata=True)
    assert reader._wanted.hashes[1] == hash_blocks(np.frombuffer(b"id", np.uint8), np.uintp(0), np.uintp(2))
    reader._wanted.hashes[1] = hash_blocks(np.frombuffer(b"url", np.uint8), np.uintp(0), np.uintp(3))
    found = reader.read(b'{"text":"a","url":"u"}\n{"text":"b"}\n', is_utf8=True)
    assert (found.texts.to_pylist(), found.other_spans.tolist()) == (["b"], [[0, 22]])
