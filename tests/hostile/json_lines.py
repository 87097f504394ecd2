"""JSON lines: encodings, line ends, and values that are not what they should be."""

import json
from typing import Final

from tests.hostile.case import Case, Kept, Refused, files, line, lines

BOM: Final = b"\xef\xbb\xbf"
TYPED: Final = {"columns": {"year": "int64"}}


def text(value: bytes) -> bytes:
    """A record whose text is spelled `value`."""
    return b'{"text": ' + value + b"}\n"


def year(value: bytes) -> bytes:
    """A record whose year is spelled `value`."""
    return b'{"text": "a", "year": ' + value + b"}\n"


def among(*bad: bytes) -> bytes:
    """Lines behind ten good ones and before one."""
    return lines(10, 20) + b"".join(bad) + line(20)


ENCODING_CASES: Final = (
    Case(
        "NUL bytes",
        "a raw NUL in a text, and a line of NULs as a crash leaves them",
        files({"a.jsonl": among(text(b'"a\x00b"'), bytes(64) + b"\n")}),
        Kept(11, quarantined={"invalid_json": 2}),
    ),
    Case(
        "NUL as an escape",
        r"\u0000 in a text is a letter like others",
        files({"a.jsonl": among(text(rb'"a\u0000b"'))}),
        Kept(12),
    ),
    Case(
        "lone surrogates",
        r"\ud800 alone, and the pair the wrong way round: no text can hold them",
        files({"a.jsonl": among(text(rb'"\ud800"'), text(rb'"\udc00\ud800"'), text(rb'"\ud83d\ude00"'))}),
        Kept(12, quarantined={"invalid_json": 2}),
    ),
    Case(
        "surrogates as bytes",
        "the three bytes ED A0 80, which UTF-8 has not",
        files({"a.jsonl": among(text(b'"\xed\xa0\x80"'))}),
        Kept(11, quarantined={"invalid_utf8": 1}),
    ),
    Case(
        "overlong UTF-8",
        "a slash as C0 AF and as E0 80 AF, and F5, which begins nothing",
        files({"a.jsonl": among(text(b'"\xc0\xaf"'), text(b'"\xe0\x80\xaf"'), text(b'"\xf5\x80\x80\x80"'))}),
        Kept(11, quarantined={"invalid_utf8": 3}),
    ),
    Case(
        "mixed encodings",
        "a line in Latin-1 and one in Shift-JIS among lines in UTF-8",
        files({"a.jsonl": among(text('"caf\xe9"'.encode("latin-1")), text('"日本語"'.encode("shift-jis")))}),
        Kept(11, quarantined={"invalid_utf8": 2}),
    ),
    Case("UTF-8 with a BOM", "a byte order mark before the first record", files({"a.jsonl": BOM + among()}), Kept(11)),
    Case(
        "BOM in the middle",
        "two files with marks, put together: the second mark stands before a record",
        files({"a.jsonl": BOM + line(10) + BOM + line(11) + line(12)}),
        Kept(2, quarantined={"invalid_json": 1}),
    ),
    Case("a BOM alone", "nothing behind the mark", files({"a.jsonl": BOM, "b.jsonl": line(10)}), Kept(1)),
    Case(
        "UTF-16",
        "two lines in UTF-16 with a mark: not one of them is UTF-8 or JSON",
        files({"a.jsonl": lines(10, 12).decode().encode("utf-16"), "b.jsonl": line(12)}),
        Kept(1, quarantined={"invalid_json": 2, "invalid_utf8": 1}),
    ),
    Case(
        "CRLF",
        "line ends of Windows, and a blank line",
        files({"a.jsonl": b"\r\n".join([*lines(10, 20).splitlines(), b"", line(20).strip(), b""])}),
        Kept(11),
    ),
    Case(
        "CR alone",
        "line ends of old Macs: one line that is not one value",
        files({"a.jsonl": lines(10, 20).replace(b"\n", b"\r"), "b.jsonl": line(20)}),
        Kept(1, quarantined={"invalid_json": 1}),
    ),
    Case(
        "other line ends in a text",
        "U+2028, U+0085, form feed and \\r\\n as escapes end no line",
        files({"a.jsonl": among(text('"a\u2028b\x85c\\fd\\r\\ne"'.encode()))}),
        Kept(12),
    ),
    Case("no line end at the end", "the last line counts", files({"a.jsonl": among().rstrip(b"\n")}), Kept(11)),
)

SYNTAX_CASES: Final = (
    Case(
        "JSONL cut in the middle",
        "a plain file has no mark of its end: its last line is half a record",
        files({"a.jsonl": lines(10, 20)[:-30]}),
        Kept(9, quarantined={"invalid_json": 1}),
    ),
    Case(
        "JSONL with a flipped bit in the syntax",
        "a quotation mark is another letter",
        files({"a.jsonl": among(line(10).replace(b'"text"', b"#text"))}),
        Kept(11, quarantined={"invalid_json": 1}),
    ),
    Case(
        "deep nesting",
        "100,000 open brackets; an array 200 deep is kept",
        files({"a.jsonl": among(text(b"[" * 100_000), b'{"text": "a", "x": ' + b"[" * 200 + b"]" * 200 + b"}\n")}),
        Kept(12, quarantined={"invalid_json": 1}),
    ),
    Case(
        "deep nesting that is closed",
        "100,000 objects, one in the other",
        files({"a.jsonl": among(b'{"text": "a", "x": ' + b'{"x":' * 100_000 + b"1" + b"}" * 100_001 + b"\n")}),
        Kept(11, quarantined={"invalid_json": 1}),
    ),
    Case(
        "invalid escapes",
        r"\x, \u12 and a backslash at the end",
        files({"a.jsonl": among(text(rb'"\x41"'), text(rb'"\u12"'), text(b'"a\\"'))}),
        Kept(11, quarantined={"invalid_json": 3}),
    ),
    Case(
        "NaN and Infinity",
        "JavaScript's numbers, which JSON has not",
        files({"a.jsonl": among(*(b'{"text": "a", "x": ' + value + b"}\n" for value in (b"NaN", b"Infinity")))}),
        Kept(11, quarantined={"invalid_json": 2}),
    ),
    Case(
        "JSON that is no line",
        "comments, single quotes, a comma too many, two records in one line",
        files({"a.jsonl": among(b"// no\n", b"{'text': 'a'}\n", b'{"text": "a",}\n', b'{"text": "a"}{"text": "b"}\n')}),
        Kept(11, quarantined={"invalid_json": 4}),
    ),
    Case(
        "an array of records",
        "a whole JSON file instead of lines",
        files({"a.json": b'[{"text": "a"},\n{"text": "b"}]\n', "b.json": line(10)}),
        Kept(1, quarantined={"invalid_json": 1, "not_an_object": 1}),
    ),
    Case(
        "values that are no objects",
        "a string, a number, null, an array",
        files({"a.jsonl": among(b'"a"\n', b"1\n", b"null\n", b'["a"]\n')}),
        Kept(11, quarantined={"not_an_object": 4}),
    ),
    Case(
        "200,000 keys in one record",
        "as a mapping that was written as a record",
        files({"a.jsonl": among(b'{"text": "a"' + b"".join(b',"k%d":0' % n for n in range(200_000)) + b"}\n")}),
        Kept(12),
    ),
)

VALUE_CASES: Final = (
    Case(
        "duplicate keys",
        "the last one counts, and the others are counted",
        files({"a.jsonl": among(b'{"text": "a", "text": "b", "text": "c"}\n')}),
        Kept(12, duplicate_keys=2),
    ),
    Case(
        "text that is no string",
        "a number, an array, an object, true",
        files({"a.jsonl": among(text(b"17"), text(b'["a"]'), text(b'{"a": "b"}'), text(b"true"))}),
        Kept(11, quarantined={"wrong_type": 4}),
    ),
    Case(
        "no text",
        "the field is missing, null, or has a capital letter",
        files({"a.jsonl": among(b'{"id": "a"}\n', text(b"null"), b'{"Text": "a"}\n')}),
        Kept(11, quarantined={"no_text": 2, "null_text": 1}),
    ),
    Case("empty text", "no letters are a text", files({"a.jsonl": among(text(b'""'), text(b'" "'))}), Kept(13)),
    Case(
        "numbers as text",
        "a declared int64 that is spelled as a string, as a fraction, or is true",
        files({"a.jsonl": among(*map(year, (b'"1999"', b"1999.5", b"true", b"1999", b"null")))}),
        Kept(13, quarantined={"wrong_type": 3}),
        source=TYPED,
    ),
    Case(
        "big integers",
        "beyond int64, and of 10,000 digits, in a declared column",
        files({"a.jsonl": among(*map(year, (b"9223372036854775808", b"9" * 10_000, b"9223372036854775807")))}),
        Kept(12, quarantined={"wrong_type": 2}),
        source=TYPED,
    ),
    Case(
        "big numbers that nobody declared",
        "they stay in `metadata` as they are spelled",
        files({"a.jsonl": among(b'{"text": "a", "x": ' + b"9" * 10_000 + b', "y": 1e999}\n')}),
        Kept(12),
    ),
    Case(
        "ids of other types",
        "integers are ids; arrays, fractions and true are not",
        files(
            {"a.jsonl": among(*(b'{"text": "a", "id": ' + value + b"}\n" for value in (b"7", b"[7]", b"7.5", b"true")))}
        ),
        Kept(12, quarantined={"wrong_type": 3}),
    ),
    Case(
        "fields with our names",
        "doc_id, position, source, metadata, tokens and shard stay in `metadata`",
        files(
            {
                "a.jsonl": among(
                    json.dumps(
                        dict.fromkeys(("text", "doc_id", "position", "source", "metadata", "tokens", "shard"), "a")
                    ).encode()
                    + b"\n"
                )
            }
        ),
        Kept(12),
    ),
    Case(
        "a declared column with our name",
        "a recipe cannot read doc_id as a column",
        files({"a.jsonl": among()}),
        Refused("column 'doc_id': the name is reserved"),
        source={"columns": {"doc_id": "string"}},
    ),
)

ID_CASES: Final = (
    Case(
        "ids that collide",
        "one id twice in a file and in two files: doc_ids are made of places",
        files({"a.jsonl": line(10) + line(10), "b.jsonl": line(10)}),
        Kept(3),
    ),
    Case(
        "ids that collide where they must not",
        "the same, in a source whose doc_ids are made of its ids",
        files({"a.jsonl": line(10) + line(11), "b.jsonl": line(10)}),
        Refused("expected each id to appear once, as id_from: column demands; found 'n10' (2 times)", code=1),
        source={"id_from": "column"},
    ),
    Case(
        "ids that are missing where they must not",
        "a record without an id in such a source",
        files({"a.jsonl": among(text(b'"a"'))}),
        Kept(11, quarantined={"no_id": 1}),
        source={"id_from": "column"},
    ),
    Case(
        "ids that collide across sources",
        "two sources with the same ids: the source's name is part of a doc_id",
        files({"a/a.jsonl": line(10), "b/a.jsonl": line(10)}),
        Kept(2),
        recipe={
            "sources": {name: {"paths": f"in/{name}/*", "id_from": "column"} for name in "ab"},
            "steps": [{"name": "documents", "read": ["a", "b"], "write": "documents"}],
        },
    ),
)

BUDGET_CASES: Final = (
    Case(
        "more bad rows than the budget",
        "eleven bad lines of 22, where ten are always accepted",
        files({"a.jsonl": among(*[b"bad\n"] * 11)}),
        Refused("expected at most 10 bad rows of 22; found 11, most often invalid_json (11)", code=1),
    ),
    Case(
        "more damaged files than the budget",
        "two broken files of three, where one is always accepted",
        files({"a.jsonl.gz": b"bad", "b.jsonl.gz": b"bad", "c.jsonl": lines(10, 15)}),
        Refused("expected at most 1 damaged files of 3; found 2", code=1),
    ),
)

CASES: Final = (*ENCODING_CASES, *SYNTAX_CASES, *VALUE_CASES, *ID_CASES, *BUDGET_CASES)
