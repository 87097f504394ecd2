"""Canonical bytes and identities: stored in every commit, so their values are frozen."""

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field

from pipeline.errors import PlanError
from pipeline.fingerprint import canonical_bytes, fingerprint, operator_identity
from pipeline.operator import FileRef, Operator
from tests.unit.pipeline.sample_operators import ByFile, MinChars, NumChars

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=10,
)


def test_bytes_and_hash_are_frozen():
    value = {"b": [1, 0.1, None, True], "a": "é\n"}
    assert canonical_bytes(value) == b'{"a":"\\u00e9\\n","b":[1,0.1,null,true]}'
    assert fingerprint(value) == "fb6ada51d99fd3354201606072381c32"


@given(st.dictionaries(st.text(max_size=3), VALUES, max_size=5))
def test_order_of_keys_does_not_matter(value):
    turned = dict(reversed(value.items()))
    assert canonical_bytes(turned) == canonical_bytes(value)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {1, 2}, b"bytes", object()])
def test_what_has_no_one_spelling_is_refused(value):
    with pytest.raises(PlanError, match="fingerprint: expected JSON-like values; "):
        fingerprint({"value": value})


def test_a_value_and_its_text_differ():
    assert fingerprint(1) != fingerprint("1")
    assert fingerprint(1) != fingerprint(1.0)
    assert fingerprint(None) != fingerprint("null")


def test_an_operator_is_its_name_version_and_every_field():
    assert operator_identity(MinChars(), {}) == {
        "operator": "min_chars",
        "version": 1,
        "fields": {"min_chars": 2, "without": "\0"},
    }


def test_each_part_of_an_operator_counts(monkeypatch):
    before = fingerprint(operator_identity(MinChars(), {}))
    assert fingerprint(operator_identity(MinChars(min_chars=2), {})) == before, "a default that is spelled out"
    assert fingerprint(operator_identity(MinChars(min_chars=3), {})) != before
    assert fingerprint(operator_identity(NumChars(), {})) != before
    monkeypatch.setattr(MinChars, "version", 2)
    assert fingerprint(operator_identity(MinChars(), {})) != before


def test_a_file_counts_by_content_not_by_place(tmp_path):
    here, there, other = tmp_path / "here", tmp_path / "there", tmp_path / "other"
    for path, content in ((here, b"a"), (there, b"a"), (other, b"b")):
        path.write_bytes(content)
    identities = [
        fingerprint(operator_identity(ByFile(words=FileRef(uri=path.name).pin(path)), {}))
        for path in (here, there, other)
    ]
    assert identities[0] == identities[1]
    assert identities[0] != identities[2]


def test_a_file_of_a_step_counts_by_the_step():
    operator = ByFile(words=FileRef(uri="step:model/words.txt"))
    assert operator_identity(operator, {"model": "f1"})["fields"]["words"] == {"step": "f1", "file": "words.txt"}
    pinned = ByFile(words=FileRef(uri="step:model/words.txt", path="/somewhere", digest="0" * 32))
    assert operator_identity(pinned, {"model": "f1"}) == operator_identity(operator, {"model": "f1"})


def test_an_unpinned_file_is_refused():
    with pytest.raises(
        PlanError, match=r"operator by_file: file field 'words' \('w.txt'\) is not pinned; pin it first"
    ):
        operator_identity(ByFile(words=FileRef(uri="w.txt")), {})


def test_several_files_of_a_field_count_in_their_order():
    a, b, words = (FileRef(uri=name, path=name, digest=name) for name in ("a", "b", "w"))
    fields = operator_identity(ByFile(words=words, lists=(a, FileRef(uri="step:model/c"))), {"model": "f1"})["fields"]
    assert fields["words"] == {"content": "w"}
    assert fields["lists"] == [{"content": "a"}, {"step": "f1", "file": "c"}]
    one, other = (operator_identity(ByFile(words=words, lists=lists), {}) for lists in ((a, b), (b, a)))
    assert one != other
    with pytest.raises(PlanError, match=r"file field 'lists.1' \('d'\) is not pinned"):
        operator_identity(ByFile(words=words, lists=(a, FileRef(uri="d"))), {})


class List(BaseModel):
    """A model with a file."""

    model_config = ConfigDict(frozen=True)

    file: FileRef
    weight: float = 1.0


class ManyFiles(Operator):
    """Holds files at every depth."""

    name = "many_files"

    lists: dict[str, List] = Field(default_factory=dict)
    further: tuple[FileRef, ...] = ()

    def requires(self):
        return pa.schema([])

    def output_schema(self, given):
        return given


def pinned_file(content: str, uri: str = "a") -> FileRef:
    return FileRef(uri=uri, path=uri, digest=content)


def test_files_inside_other_values_count_by_content_too():
    operator = ManyFiles(
        lists={"en.wiki": List(file=pinned_file("d1")), "de": List(file=FileRef(uri="step:made/w"))},
        further=(pinned_file("d2"), pinned_file("d3")),
    )
    assert operator_identity(operator, {"made": "f1"})["fields"] == {
        "lists": {
            "en.wiki": {"file": {"content": "d1"}, "weight": 1.0},
            "de": {"file": {"step": "f1", "file": "w"}, "weight": 1.0},
        },
        "further": [{"content": "d2"}, {"content": "d3"}],
    }
    moved = operator.with_files(lambda file: file.model_copy(update={"path": "/elsewhere"}))
    assert operator_identity(moved, {"made": "f1"}) == operator_identity(operator, {"made": "f1"})


def test_an_unpinned_file_inside_another_value_is_refused():
    with pytest.raises(PlanError, match=r"many_files: file field 'further.1' \('w.txt'\) is not pinned"):
        operator_identity(ManyFiles(further=(pinned_file("d"), FileRef(uri="w.txt"))), {})
