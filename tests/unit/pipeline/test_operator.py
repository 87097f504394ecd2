"""The contract's own behaviour: file references, and what the kinds do by default."""

import pickle
from pathlib import Path

import pyarrow as pa
import pytest
from pydantic import Field, ValidationError

from pipeline.errors import PlanError, SchemaError, StorageError
from pipeline.operator import FileRef, Resources, content_digest
from tests.unit.pipeline.sample_operators import TEXT_SCHEMA, ByFile, MinChars, NumChars, Shout


@pytest.fixture
def words(tmp_path: Path) -> Path:
    path = tmp_path / "words.txt"
    path.write_bytes(b"one\ntwo\n")
    return path


def test_a_string_is_a_reference_and_a_reference_a_string(words: Path):
    operator = ByFile.model_validate({"words": "lists/words.txt"})
    assert operator.words == FileRef(uri="lists/words.txt")
    assert operator.model_dump(mode="json") == {"words": "lists/words.txt", "more": None, "lists": []}
    pinned = operator.words.pin(words)
    assert operator.model_copy(update={"words": pinned}).model_dump(mode="json")["words"] == "lists/words.txt"


def test_file_refs_are_the_fields_that_hold_one():
    reference = FileRef(uri="a")
    assert ByFile(words=reference).file_refs() == {"words": reference}
    assert set(ByFile(words=reference, more=FileRef(uri="b")).file_refs()) == {"words", "more"}
    assert NumChars().file_refs() == {}


class Nested(NumChars):
    """Files in a mapping, a tuple, a model, and where they have no order."""

    by_language: dict[str, ByFile] = Field(default_factory=dict)
    further: tuple[FileRef, ...] = ()
    unordered: frozenset[FileRef] = frozenset()


def test_file_refs_are_found_inside_other_values():
    operator = Nested(by_language={"en": ByFile(words=FileRef(uri="a"))}, further=(FileRef(uri="b"), FileRef(uri="c")))
    assert operator.file_refs() == {
        "by_language.en.words": FileRef(uri="a"),
        "further.0": FileRef(uri="b"),
        "further.1": FileRef(uri="c"),
    }


def test_each_file_is_replaced_and_nothing_else():
    operator = Nested(by_language={"en": ByFile(words=FileRef(uri="a"))}, further=(FileRef(uri="b"),), fails_on="x")
    placed = operator.with_files(lambda file: FileRef(uri=file.uri, path=f"/files/{file.uri}"))
    assert {way: file.path for way, file in placed.file_refs().items()} == {
        "by_language.en.words": "/files/a",
        "further.0": "/files/b",
    }
    assert placed.model_dump() == operator.model_dump()
    assert operator.further[0].path is None, "the operator itself stays as it is"
    assert type(placed.further) is tuple
    assert type(placed.by_language["en"]) is ByFile


def test_operators_with_mappings_have_hashes_by_their_entries():
    files = {"en": ByFile(words=FileRef(uri="a")), "de": ByFile(words=FileRef(uri="b"))}
    one, other = Nested(by_language=files), Nested(by_language=dict(reversed(files.items())))
    assert one == other
    assert len({one, other, Nested()}) == 2


def test_files_in_a_set_are_refused():
    with pytest.raises(PlanError, match="file field 'unordered': expected a tuple, a mapping or a model; found a set"):
        Nested(unordered=frozenset({FileRef(uri="a")})).file_refs()


def test_a_pinned_file_opens_while_it_is_what_it_was(words: Path):
    pinned = FileRef(uri="words.txt").pin(words)
    assert pinned.digest == content_digest(words)
    assert pinned.open_path() == words
    assert pickle.loads(pickle.dumps(pinned)) == pinned
    words.write_bytes(b"one\nTWO\n")  # the same size: only the content tells
    with pytest.raises(
        StorageError, match=rf"file 'words.txt': expected content digest {pinned.digest}; found .*run again"
    ):
        pinned.open_path()


def test_a_digest_that_is_known_is_not_computed_again(words: Path):
    assert FileRef(uri="words.txt").pin(words, "0" * 32).digest == "0" * 32


def test_an_unpinned_or_missing_file_says_so(tmp_path: Path):
    with pytest.raises(PlanError, match=r"file 'words.txt': expected a pinned reference; call pin\(\) first"):
        FileRef(uri="words.txt").open_path()
    for nothing in (tmp_path / "absent", tmp_path):
        with pytest.raises(StorageError, match=r"file 'words.txt': expected a readable file; found none at "):
            FileRef(uri="words.txt").pin(nothing)


def test_where_a_reference_lies(tmp_path: Path):
    assert FileRef(uri="lists/a.txt").locate(tmp_path) == tmp_path / "lists" / "a.txt"
    assert FileRef(uri="/lists/a.txt").locate(tmp_path) == Path("/lists/a.txt")
    assert FileRef(uri="package:pipeline/errors.py").locate(tmp_path).read_text().startswith('"""Every error')
    with pytest.raises(StorageError, match="file 'package:no_such_package/x': expected an installed package"):
        FileRef(uri="package:no_such_package/x").locate(tmp_path)


def test_references_to_steps_name_the_step_and_the_file():
    reference = FileRef(uri="step:scores.threshold/threshold.json")
    assert (reference.step, reference.file_name) == ("scores.threshold", "threshold.json")
    assert FileRef(uri="steps/a.json").step is None


def test_content_digest_does_not_depend_on_read_sizes(tmp_path: Path):
    large = tmp_path / "large"
    large.write_bytes(bytes(range(256)) * (1 << 15))  # two reads
    assert content_digest(large) == "9e2c1d31e30ee991c1d26344575c5595"


def test_annotators_add_and_refuse_what_is_there():
    given = pa.schema([*TEXT_SCHEMA, pa.field("other", pa.int8())])
    assert NumChars().output_schema(given).names == ["text", "other", "num_chars"]
    with pytest.raises(
        SchemaError, match=r"num_chars: adds columns \['other'\], which exist already; available: \['text', "
    ):
        NumChars(column="other").output_schema(given)


@pytest.mark.parametrize("operator", [MinChars(), Shout()])
def test_filters_and_transforms_keep_the_schema(operator):
    assert operator.output_schema(TEXT_SCHEMA) == TEXT_SCHEMA


def test_operators_are_frozen_and_closed():
    with pytest.raises(ValidationError, match="frozen"):
        MinChars().min_chars = 3
    with pytest.raises(ValidationError, match="min_cahrs"):
        MinChars.model_validate({"min_cahrs": 3})
    assert hash(MinChars(min_chars=3)) == hash(MinChars(min_chars=3))


@pytest.mark.parametrize("wrong", [{"num_cpus": -1}, {"num_gpus": -0.5}, {"memory_bytes": 0}, {"cpus": 1}])
def test_resources_are_checked(wrong):
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        Resources.model_validate(wrong)
