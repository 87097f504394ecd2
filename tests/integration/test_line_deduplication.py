"""Repeated lines of real documents, from the command line: what goes is what plain Python says, and is explained."""

import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import zstandard
from typer.testing import CliRunner

from jobs.cli import app
from pipeline.artifact import DATA
from pipeline.recorded_run import load_run
from tests.line_oracle import repeated, without

ROOT = Path(__file__).parents[2]
MANUAL = ROOT.parent / "shared" / "data" / "text" / "php_docs" / "part-00000.jsonl.zst"
NUM_DOCUMENTS = 600
RECIPE = """
name: manual
sources:
  docs: {{paths: docs.jsonl}}
layout: {{shard_bytes: 120000, partition_bytes: 150000}}
steps:
  - {{name: documents, read: docs, operators: [], write: documents}}
  - {{name: lines, base: documents, line_deduplication: {{unit: {unit}, min_words: 4, keep: {keep}}}}}
  - name: cleaned
    base: documents
    bound: [lines]
    operators: [{{remove_lines: {{unit: {unit}}}}}, {{drop_emptied: {{unit: {unit}}}}}]
    write: documents
    columns: [doc_id, input_id, text]
"""


def manual() -> Iterator[dict[str, str]]:
    if not MANUAL.exists():
        pytest.skip(f"needs {MANUAL.relative_to(ROOT.parent)} beside the project")
    with zstandard.open(MANUAL, "rt", encoding="utf-8") as lines:
        for line in islice(lines, NUM_DOCUMENTS):
            record = json.loads(line)
            yield {"id": record["id"], "text": record["text"]}


def corpusmill(*arguments: object) -> str:
    done = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.mark.parametrize(("unit", "keep"), [("line", "first"), ("paragraph", "none")])
def test_what_goes_of_a_manual_is_what_python_says(tmp_path: Path, unit: str, keep: str) -> None:
    records = list(manual())
    (tmp_path / "docs.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    (tmp_path / "recipe.yaml").write_text(RECIPE.format(unit=unit, keep=keep))
    output = tmp_path / "out"
    corpusmill("run", tmp_path / "recipe.yaml", "--output", output, "--runner", "local")

    texts = [record["text"] for record in records]
    gone = repeated(texts, unit, min_words=4, keep=keep)
    assert len(gone) > NUM_DOCUMENTS // 10, "little of the manual repeats"
    expected = {
        record["id"]: left
        for number, record in enumerate(records)
        if (left := without(record["text"], gone[number], unit) if number in gone else record["text"]).strip()
        or number not in gone
    }
    assert documents_of(output) == expected

    number = max(gone, key=lambda one: len(gone[one]))
    told = corpusmill("explain", output, records[number]["id"])
    assert f"cleaned: edit, by remove_lines, rule repeated_{unit}s, value {len(gone[number])}" in told


def documents_of(output: Path) -> dict[str, str]:
    """{input_id: text} of the last step."""
    (step,) = (step for step in load_run(output).steps if step.step == "cleaned")
    table = pq.read_table(output / step.folder / DATA)
    return dict(zip(table["input_id"].to_pylist(), table["text"].to_pylist(), strict=True))
