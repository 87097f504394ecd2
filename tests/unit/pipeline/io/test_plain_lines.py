import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.io.plain_lines import count_newlines, hash_name
from pipeline.io.plain_records import PlainReader
from pipeline.plan.logical import Source


def hashed(content, begin=0, end=None):
    return hash_name(np.frombuffer(content, np.uint8), np.uintp(begin), np.uintp(len(content) if end is None else end))


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_newlines_are_counted(content):
    assert count_newlines(np.frombuffer(content, np.uint8)) == content.count(b"\n")


@settings(deadline=None)
@given(st.binary(max_size=30), st.binary(max_size=30), st.binary(max_size=30))
def test_a_name_has_one_number_wherever_it_stands(before, name, behind):
    assert hashed(before + name + behind, len(before), len(before) + len(name)) == hashed(name)


def test_names_that_are_alike_have_their_own_numbers():
    names = [b"", b"\0", b"\0\0", b"a", b"a\0", b"b", b"abcdefgh", b"abcdefgh\0", b"abcdefghabcdefgh", b"text", b"test"]
    names += [b"k%d" % n for n in range(100_000)]
    assert len({int(hashed(name)) for name in names}) == len(names)


def test_a_name_that_has_the_number_of_another_one_is_not_plain():
    """By chance, or by somebody's will: its record is left to who compares names."""
    reader = PlainReader(Source(paths=("*",)), with_metadata=True)
    assert reader._wanted.hashes[1] == hashed(b"id")
    reader._wanted.hashes[1] = hashed(b"url")
    found = reader.read(b'{"text":"a","url":"u"}\n{"text":"b"}\n', is_utf8=True)
    assert (found.texts.to_pylist(), found.other_spans.tolist()) == (["b"], [[0, 22]])
