from dataclasses import replace
from itertools import pairwise, permutations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.document import COLUMN_TYPES, CORE_FIELDS, METADATA_FIELD
from pipeline.io.json_records import RecordDecoder
from pipeline.io.plain_lines import MAX_MEMBERS
from pipeline.io.plain_records import PlainReader
from pipeline.plan.logical import Source

PLAIN = Source(paths=("*",))
TYPED = Source(paths=("*",), columns={"year": "int64", "score": "float64", "is_new": "bool", "url": "string"})
KEYED = Source(paths=("*",), id_column="key", id_from="column", columns={"id": "string"})
SHARED = Source(paths=("*",), text_column="url", columns={"url": "string", "id": "int64"})
NEVER = Source(paths=("*",), text_column="url", id_column="url", columns={"url": "float64"})
NO_ID = Source(paths=("*",), id_column=None, max_document_bytes=1 << 10)
SOURCES = (PLAIN, TYPED, KEYED, SHARED, NEVER, NO_ID)


def schema_of(source, *, with_metadata):
    declared = [pa.field(name, COLUMN_TYPES[kind]) for name, kind in source.columns.items()]
    return pa.schema([*CORE_FIELDS, *declared, *([METADATA_FIELD] if with_metadata else [])])


class LineByLine:
    """Finds no plain record: leaves every line to the decoder's own way, which is the meaning."""

    def __init__(self, source, *, with_metadata):
        self._none = PlainReader(source, with_metadata=with_metadata).read(b"", is_utf8=True)

    def read(self, block, *, is_utf8):  # noqa: ARG002 -- as PlainReader has it
        ends = np.cumsum([len(line) + 1 for line in block.split(b"\n")])
        begins = np.concatenate([[0], ends[:-1]])
        return replace(self._none, other_spans=np.stack([begins, ends - 1], 1), other_places=np.zeros_like(ends))


def decoded(blocks, source, *, with_metadata, line_by_line):
    """All that a decoder says of the blocks of a file."""
    decoder = RecordDecoder("web", "a.jsonl", source, schema_of(source, with_metadata=with_metadata))
    if line_by_line:
        decoder._plain = LineByLine(source, with_metadata=with_metadata)
    offset = 0
    batches = []
    for block in blocks:
        batches.append(decoder.decode(offset, block))
        batches[-1].documents.validate(full=True)
        assert batches[-1].ordinals.dtype == np.int64
        assert batches[-1].positions.dtype == np.uint64
        offset += len(block)
    return {
        "documents": pa.Table.from_batches([batch.documents for batch in batches]).to_pylist(),
        "ordinals": [ordinal for batch in batches for ordinal in batch.ordinals.tolist()],
        "num_records": [batch.num_records for batch in batches],
        "positions": [position for batch in batches for position in batch.positions.tolist()],
        "input_ids": [one for batch in batches for one in batch.input_ids.to_pylist()],
        "rejected": [one for batch in batches for one in batch.rejected],
        "duplicates": decoder.num_duplicate_keys,
    }


def check(blocks, source, *, with_metadata=True):
    found, expected = (
        decoded(blocks, source, with_metadata=with_metadata, line_by_line=line_by_line)
        for line_by_line in (False, True)
    )
    assert repr(found) == repr(expected)  # tells -0.0 from 0.0


def plain(lines, source=PLAIN):
    """How many of the lines are plain records."""
    return len(PlainReader(source, with_metadata=True).read(b"\n".join(lines), is_utf8=True).begins)


CHARACTERS = [
    b"a", b"text ", b"\xc3\xa9", "\u2028\U0001f600中".encode(), b"\x7f", b"'", b"{[,:]}",
    *(rb"\n \" \\ \/ \b \f \r \t \u0000 \u0041 \u00E9 \uFFFF \u07ff \u0800 \ud83d\ude00 \uDBFF\uDFFF".split()),
]  # fmt: skip
BAD_CHARACTERS = [
    *(rb"\ud800 \udc00 \ud83d\u0041 \ude00\ud83d \u12 \u00g0 \x \U0041".split()), b"\\", b'"', b"\x00", b"\x1f", b"\t",
    b"\xff", b"\xed\xa0\x80", b"\xc3", b"\xf4\x90\x80\x80",
]  # fmt: skip
NUMBERS = [
    b"0", b"-0", b"7", b"-12", b"1.10", b"-0.0", b"0e0", b"1E5", b"1e+05", b"2e-3", b"0.1e-10", b"1e99", b"1e100",
    b"1e308", b"1e309", b"-1e999", b"1e-400", b"1e00005", b"1" * 17, b"9" * 18, b"9" * 19, b"-" + b"8" * 18,
    b"9223372036854775807", b"-9223372036854775808", b"9223372036854775808", b"9" * 31, b"9" * 33, b"9" * 400,
    b"0." + b"3" * 17, b"0." + b"3" * 40, b"9" * 400 + b".5", b"1" + b"0" * 30 + b"e9", b"1234567.8901234567891e-22",
]  # fmt: skip
BAD_NUMBERS = [
    b"01", b"-01", b"00", b"-", b"+1", b"1.", b".5", b"1.e5", b"1e", b"1e+", b"1ee5", b"1.2.3", b"- 1", b"0x10", b"NaN",
    b"Infinity", b"-Infinity", b"1_000", b"\xd9\xa1",
]  # fmt: skip
WORDS = [b"null", b"true", b"false"]
BAD_WORDS = [b"nul", b"nulll", b"True", b"tru", b"", b"'a'", b"undefined"]
NAMES = [b"text", b"id", b"key", b"year", b"score", b"is_new", b"url", b"m", b"n", b"", b"t\xc3\xa9xt", b"Text", b"tex"]
ODD_NAMES = [rb"\u0074ext", rb"te\/xt", rb"\"", b"a\xff", b"a\x01", b"x" * 300]
SPACES = st.sampled_from([b"", b"", b"", b" ", b"\t", b"\r", b" \t\r "])


def mostly(good, bad):
    """Of twenty one that is bad."""
    return st.integers(0, 19).flatmap(lambda n: st.sampled_from(bad if n == 0 else good))


STRINGS = st.lists(mostly(CHARACTERS, BAD_CHARACTERS), max_size=12).map(lambda parts: b'"' + b"".join(parts) + b'"')
SCALARS = st.one_of(STRINGS, mostly(NUMBERS, BAD_NUMBERS), mostly(WORDS, BAD_WORDS))


def joined(opening, items, closing):
    return st.tuples(
        SPACES, st.lists(items, max_size=4), SPACES, mostly([closing], [b"", b"]", b"}", b"," + closing])
    ).map(lambda parts: opening + parts[0] + b",".join(parts[1]) + parts[2] + parts[3])


def member(names, values):
    return st.tuples(SPACES, names, SPACES, SPACES, values, SPACES).map(
        lambda parts: parts[0] + b'"' + parts[1] + b'"' + parts[2] + b":" + parts[3] + parts[4] + parts[5]
    )


def containers(values):
    return joined(b"[", values, b"]") | joined(b"{", member(mostly(NAMES, ODD_NAMES), values), b"}")


VALUES = st.recursive(SCALARS, containers, max_leaves=6)
TYPED_VALUES = {
    b"text": STRINGS, b"url": STRINGS, b"id": STRINGS | st.sampled_from(NUMBERS), b"key": STRINGS,
    b"year": st.sampled_from(NUMBERS), b"score": st.sampled_from(NUMBERS), b"is_new": st.sampled_from(WORDS),
}  # fmt: skip


@st.composite
def records(draw):
    """A line with an object whose values mostly have the types that they should have."""
    names = draw(st.permutations(NAMES))[: draw(st.integers(1, len(NAMES)))]
    if draw(st.integers(0, 9)):
        names = [b"text", b"url", *(name for name in names if name not in (b"text", b"url"))]
    if not draw(st.integers(0, 9)):
        names.insert(draw(st.integers(0, len(names))), draw(st.sampled_from(NAMES + ODD_NAMES)))
    members = [
        draw(member(st.just(name), TYPED_VALUES.get(name, VALUES) if draw(st.integers(0, 9)) else VALUES))
        for name in names
    ]
    return draw(SPACES) + b"{" + b",".join(members) + b"}" + draw(SPACES)


@st.composite
def mutated(draw):
    """A line that was truncated, or in which bytes were changed, doubled or lost."""
    line = draw(records())
    place = draw(st.integers(0, len(line) - 1))
    with_another_byte = (
        line[:place] + draw(st.sampled_from(list(b'"\\{}[]:,0e-nu \x00\xff\xc3'))).to_bytes() + line[place + 1 :]
    )
    return draw(
        st.sampled_from([line[:place], line[place:], with_another_byte, line[:place] + line[place + 1 :], line + line])
    )


ODD_LINES = [
    b"\xef\xbb\xbf", b'\xef\xbb\xbf{"text":"a"}', b'{"text":"a"} x', b'{"text":"a"}{"text":"b"}', b"{}",
    b'{"text":"a",}', b'{,"text":"a"}', b'{"text" "a"}', b'{"text":"a" "id":1}', b'{"text":}', b'{"text"}',
    b'{"text":"a"', b'{"text":"a', b'{"text":"a\\', b'{"text":"a\\u00', b'{"text":"a\\ud83d', b'{"text":"a\\ud83d\\',
    b'{"text":"a","text":"b"}', b'{"text":"a","m":1,"m":2}', b'{"text":"' + b"x" * 1100 + b'"}', b" " * 1100,
    b'{"text":"a"}' + b" " * 1100, b'{"text":"a","m":' + b"[" * 70 + b"]" * 70 + b"}",
    b'{"text":"a","m":' + b'{"":' * 64 + b"1" + b"}" * 64 + b"}",
]  # fmt: skip
LINES = st.one_of(
    records(), records(), records(), mutated(), VALUES, st.binary(max_size=20), SPACES, st.sampled_from(ODD_LINES)
)


@settings(deadline=None, max_examples=30)
@given(st.lists(LINES, min_size=1, max_size=8), st.sampled_from(SOURCES), st.booleans(), st.sets(st.integers(1, 7)))
def test_the_records_of_any_block_are_those_of_its_lines(lines, source, with_metadata, cuts):
    places = [0, *sorted(cut for cut in cuts if cut < len(lines)), len(lines)]
    parts = [line + b"\n" for line in lines]
    parts[-1] = lines[-1]  # the last line of a file may lack its end
    blocks = [b"".join(parts[begin:end]) for begin, end in pairwise(places)]
    check(blocks, source, with_metadata=with_metadata)


@pytest.mark.parametrize("source", SOURCES)
def test_every_value_under_every_name(source):
    values = [
        *NUMBERS,
        *BAD_NUMBERS,
        *WORDS,
        *BAD_WORDS,
        b"[]",
        b"{}",
        b"[1, 2]",
        b'{"a" : "b"}',
        b"[1}",
        b"[1,]",
        b"[,1]",
    ]
    values += [b'"a' + character + b'b"' for character in CHARACTERS + BAD_CHARACTERS]
    lines = [
        b'{"text":"t","url":"u","key":1,"' + name + b'":' + value + b"}"
        for name in (b"id", b"year", b"score", b"is_new", b"m")
        for value in values
    ]
    lines += [b'{"id":1,"key":"k","' + name + b'":' + value + b"}" for name in (b"text", b"url") for value in values]
    check([b"\n".join(lines)], source)
    check([b"\n".join(line for line in lines if line.isascii())], source)


@pytest.mark.parametrize(
    ("line", "is_plain"),
    [
        (b'{"text":"a"}', True),
        (b' { "id" : 7 , "text" : "a\\n\\ud83d\\ude00" , "m" : [ { "a" : [ ] } , -1.5e-7 ] } \r', True),
        ('{"text":"é","é":"\u2028"}'.encode(), True),
        (b'{"text":"a","id":"b\\/c"}', True),
        (b'{"text":"a","id":null,"m":' + b"9" * 1000 + b"}", True),
        (b'{"text":"a","m":' + b"[" * 64 + b"]" * 64 + b"}", True),
        (b'{"text":"a","m":' + b"[" * 65 + b"]" * 65 + b"}", False),
        (b'{"text":"a","id":-0}', False),
        (b'{"text":"a","\\u006d":1}', False),
        (b'{"text":"a","m":1,"m":1}', False),
        (b'{"m":1}', False),
        (b'{"text":"a"', False),
    ],
)
def test_what_is_plain(line, is_plain):
    assert plain([line]) == is_plain
    check([line], PLAIN)


def test_a_record_may_have_many_members():
    lines = [
        b'{"text":"a"' + b"".join(b',"%d":0' % k for k in range(num_others)) + b"}"
        for num_others in (MAX_MEMBERS - 1, MAX_MEMBERS)
    ]
    assert [plain([line]) for line in lines] == [1, 0]
    check([b"\n".join(lines)], PLAIN)


def test_typed_columns_are_plain_where_they_have_their_types():
    line = b'{"text":"a","year":1999,"score":0.98765432109876543,"is_new":true,"url":"http:\\/\\/x"}'
    assert plain([line, b'{"text":"a","year":null,"score":-3}', b'{"text":"a","year":1.0}'], TYPED) == 2


def test_a_bad_byte_leaves_ascii_plain():
    lines = [b'{"text":"a"}', '{"text":"é"}'.encode(), b'{"text":"\xff"}', b'{"text":"b"}']
    found = PlainReader(PLAIN, with_metadata=False).read(b"\n".join(lines), is_utf8=False)
    assert found.texts.to_pylist() == ["a", "b"]
    assert found.other_places.tolist() == [1, 1]
    check([b"\n".join(lines)], PLAIN)


def test_blank_lines_are_nothing():
    found = PlainReader(PLAIN, with_metadata=True).read(b"\n \n{}\n\t\r\n\n", is_utf8=True)
    assert (len(found.begins), found.other_spans.tolist()) == (0, [[3, 5]])


def test_each_kind_of_neighbours():
    """Plain records, others and blank lines, one behind the other in every order."""
    good, escaped, bad, blank = b'{"text":"a","id":"g"}', b'{"\\u0074ext":"b","id":"e"}', b'{"id":"x"}', b" "
    for lines in permutations((good, good, escaped, bad, blank)):
        check([b"\n".join(lines)], PLAIN)
