"""An operator that raises on some rows loses these rows and no others, whatever batches they came in."""

from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from pipeline.errors import OperatorError
from pipeline.execution.work import Execution
from pipeline.operator import Operator
from pipeline.plan.logical import ArtifactKind, Recipe, Step, View
from tests.builds import Built, MakeRunner, run_build, tree_digest
from tests.corpus import write_files
from tests.sample_operators import CountRows, LongEnough, NeverOpens, OneLine, TextLength, TooFewRows
from tests.small import read, small_files, text_of

POISON = "Page 1"
"""In the texts of a few pages. Copies hold it too."""
NUM_POISONED = sum(POISON + "\n" in text_of(number) for number in range(240))


@pytest.fixture
def inputs(tmp_path: Path) -> Path:
    return write_files(tmp_path / "in", small_files())


@pytest.fixture(params=[TextLength, LongEnough, OneLine])
def failing(request: pytest.FixtureRequest) -> Operator:
    """Each role of row operator, failing on the same rows."""
    kind: Callable[..., Operator] = request.param
    return kind(poison=POISON + "\n")


def test_rows_that_fail_are_quarantined_and_the_others_kept(
    failing: Operator, inputs: Path, tmp_path: Path, make_runner: MakeRunner
) -> None:
    assert NUM_POISONED == 2
    recipe = read(failing)
    built = run_build(recipe, inputs, tmp_path / "out", make_runner())
    manifest = built.manifest("documents")
    assert manifest.rule_totals()[f"{failing.name}/quarantine/PoisonError"] == NUM_POISONED
    assert manifest.total("rows_quarantined") == NUM_POISONED
    assert manifest.total("rows_read") == 240
    kept = [text for shard in manifest.shards for text in _column(built, shard.index, "text")]
    assert len(kept) == manifest.total("rows_kept")
    assert not any(text.startswith(POISON + "\n") for text in kept)


def test_batches_do_not_matter(failing: Operator, inputs: Path, tmp_path: Path) -> None:
    recipe = read(failing)
    digests = [
        tree_digest(run_build(recipe, inputs, tmp_path / str(rows), execution=Execution(batch_rows=rows)).output)
        for rows in (1, 7, 1024)
    ]
    assert digests[0] == digests[1] == digests[2]


@pytest.mark.ray
def test_runners_do_not_matter(failing: Operator, inputs: Path, tmp_path: Path, make_ray_runner: MakeRunner) -> None:
    local = run_build(read(failing), inputs, tmp_path / "local")
    on_ray = run_build(read(failing), inputs, tmp_path / "ray", make_ray_runner())
    assert tree_digest(on_ray.output) == tree_digest(local.output)


def test_what_is_kept_of_a_failure_quotes_no_text(failing: Operator, inputs: Path, tmp_path: Path) -> None:
    run_build(read(failing), inputs, tmp_path / "out")
    entries = [row for path in (tmp_path / "out").rglob("ledger/*.parquet") for row in pq.read_table(path).to_pylist()]
    details = [row["detail"] for row in entries if row["action"] == "quarantine"]
    assert len(details) == NUM_POISONED
    for detail in details:
        assert detail.startswith("in refuse, line ")


def test_in_a_columns_step_a_failing_row_is_null_and_leaves_the_next_view(
    inputs: Path, tmp_path: Path, make_runner: MakeRunner
) -> None:
    built = run_build(_annotated(), inputs, tmp_path / "out", make_runner())
    lengths, documents = built.manifest("lengths"), built.manifest("documents")
    assert lengths.kind is ArtifactKind.COLUMNS
    assert lengths.shard_rows == documents.shard_rows
    texts = [text for shard in documents.shards for text in _column(built, shard.index, "text")]
    values = [value for shard in lengths.shards for value in _column(built, shard.index, "num_chars", "lengths")]
    expected = [None if text.startswith(POISON + "\n") else len(text) for text in texts]
    assert values == expected
    assert lengths.total("rows_quarantined") == NUM_POISONED
    assert lengths.total("rows_read") == lengths.total("rows_kept") + NUM_POISONED == 240
    count = built.manifest("count").path(0, "count.json")
    assert count is not None
    assert Path(count).read_text() == f'{{"num_rows": {240 - NUM_POISONED}}}'


def test_an_operator_that_cannot_be_opened_is_named(inputs: Path, tmp_path: Path, make_runner: MakeRunner) -> None:
    with pytest.raises(OperatorError) as raised:
        run_build(read(NeverOpens()), inputs, tmp_path / "out", make_runner())
    assert str(raised.value) == "operator never_opens: could not be opened: PoisonError: no such model"


def test_an_operator_that_breaks_its_contract_is_named(inputs: Path, tmp_path: Path, make_runner: MakeRunner) -> None:
    with pytest.raises(OperatorError) as raised:
        run_build(read(TooFewRows()), inputs, tmp_path / "out", make_runner())
    assert str(raised.value) == "operator too_few_rows: expected results for 40 rows; returned 39"
    assert "step documents, stage too_few_rows, unit 0" in "".join(raised.value.__notes__)


def test_a_runner_works_on_after_a_build_that_failed(inputs: Path, tmp_path: Path, make_runner: MakeRunner) -> None:
    runner = make_runner()
    with pytest.raises(OperatorError):
        run_build(read(TooFewRows(), shard_bytes=1 << 12), inputs, tmp_path / "failed", runner)
    again = run_build(read(TextLength(), shard_bytes=1 << 12), inputs, tmp_path / "out", runner)
    assert again.manifest("documents").total("rows_kept") == 240


def test_a_filter_outside_the_catalogue_works(inputs: Path, tmp_path: Path, make_runner: MakeRunner) -> None:
    built = run_build(read(LongEnough(min_chars=60)), inputs, tmp_path / "out", make_runner())
    too_short = sum(len(text_of(number)) < 60 for number in range(240))
    assert 0 < too_short < 240
    assert built.manifest("documents").rule_totals() == {"long_enough/drop/too_short": too_short}
    assert built.manifest("documents").total("rows_kept") == 240 - too_short


def _annotated() -> Recipe:
    """Annotates with failures, then counts what the view still holds."""
    failing = TextLength(poison=POISON + "\n")
    return read(
        more=(
            Step(name="lengths", view=View(base="documents"), nodes=(failing,), write=ArtifactKind.COLUMNS),
            Step(
                name="count",
                view=View(base="documents", bound=("lengths",)),
                nodes=(CountRows(),),
                write=ArtifactKind.MODEL,
            ),
        )
    )


def _column(built: Built, shard: int, column: str, step: str = "documents") -> list[object]:
    path = built.manifest(step).path(shard, "data")
    values: list[object] = pq.read_table(path)[column].to_pylist()
    return values
