"""No operator's output changes without a new version: else a finished build is taken for what it is not."""

from dataclasses import replace

import pytest

from operators.catalogue import catalogue
from pipeline.format_writer import FormatWriter
from tests.golden.digests import refresh as refreshing
from tests.golden.digests.outputs import digest_of, load_digests, output_of
from tests.laws.examples import examples
from tests.laws.trained_models import train_models

REFRESH = "then run `python -m tests.golden.digests.refresh` and commit digests.json"


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    return examples(train_models(tmp_path_factory.mktemp("models")))


def test_every_operator_has_a_digest_and_no_other():
    assert sorted(load_digests()) == sorted(catalogue().operators), f"an operator came or went; {REFRESH}"


@pytest.mark.parametrize("name", sorted(catalogue().operators))
def test_output_is_what_it_was(table, tmp_path, name):
    operator = table[name].operator
    stored = load_digests().get(name)
    assert stored is not None, f"{name} has no digest yet; {REFRESH}"
    assert operator.version == stored["version"], f"{name} has a new version; {REFRESH}"
    assert digest_of(table[name], tmp_path) == stored["digest"], (
        f"the output of {name} changed under version {operator.version}: raise its `version`, {REFRESH}"
    )


def test_a_digest_sees_one_changed_value(table, tmp_path):
    example = table["gopher_quality"]
    changed = replace(example, operator=example.operator.model_copy(update={"min_words": 60}))
    assert digest_of(changed, tmp_path) != digest_of(example, tmp_path)


def test_outputs_are_not_empty(table, tmp_path):
    for name, example in table.items():
        folder = tmp_path / name
        folder.mkdir()
        found = output_of(example, folder)
        if isinstance(example.operator, FormatWriter):
            assert found, name
            assert all(path.stat().st_size for path in folder.iterdir()), name
        else:
            assert len(str(found)) > 60, name


def test_a_refresh_refuses_what_changed_under_its_version(monkeypatch, tmp_path):
    stored = load_digests()
    stored["content_hash"] = {"version": stored["content_hash"]["version"], "digest": "0"}
    stored["best_fit"] = {"version": 0, "digest": "0"}
    monkeypatch.setattr(refreshing, "load_digests", lambda: stored)
    monkeypatch.setattr(refreshing, "DIGESTS", tmp_path / "digests.json")
    assert refreshing.refresh(rows_changed=False) == ["content_hash"]
    assert not (tmp_path / "digests.json").exists()
    assert refreshing.refresh(rows_changed=True) == []
    assert (tmp_path / "digests.json").exists()
